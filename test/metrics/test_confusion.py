# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The confusion matrix against scikit-learn, torchmetrics, a slow definition, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import Label, LabelSet
from nightseg_ros.labels.lookup import lookup
from nightseg_ros.metrics.confusion import ConfusionMatrix, joint_counts
from nightseg_ros.metrics.scores import class_accuracy, fwiou, miou_all

NAMES = "road", "sidewalk", "building", "sky"
FOUR = LabelSet("four", tuple(Label(i, n, (i, 0, 0)) for i, n in enumerate(NAMES)))

# Masks of ids 0 to 3 and 255, with out-of-range ids in predictions only.
truths = arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 1, 2, 3, 255]))
predictions = arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 1, 2, 3, 4, 99, 255]))


def scored(truth, prediction, **kwargs):
    matrix = ConfusionMatrix(kwargs.pop("labels", FOUR), **kwargs)
    matrix.update(np.asarray(truth, np.uint8), np.asarray(prediction, np.uint8))
    return matrix.compute()


def test_by_hand():
    # Truth: 4 road, 2 sidewalk, 1 sky, 1 unlabelled. One road is lost to sidewalk, one to nothing,
    # one sidewalk to building, which is not in the truth.
    scores = scored([[0, 0, 0, 0], [1, 1, 3, 255]], [[0, 0, 1, 255], [1, 2, 3, 0]])
    assert scores.counts.tolist() == [
        [2, 1, 0, 0, 1],
        [0, 1, 1, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 1, 0],
    ]
    assert scores.iou == pytest.approx([2 / 4, 1 / 3, 0, 1])
    assert scores.recall == pytest.approx([2 / 4, 1 / 2, np.nan, 1], nan_ok=True)
    assert scores.precision == pytest.approx([1, 1 / 2, 0, 1])
    assert scores.miou == pytest.approx((2 / 4 + 1 / 3 + 1) / 3)
    assert miou_all(scores.counts) == pytest.approx((2 / 4 + 1 / 3 + 0 + 1) / 4)
    assert scores.pixel_accuracy == pytest.approx(4 / 7)
    assert class_accuracy(scores.counts) == pytest.approx((2 / 4 + 1 / 2 + 1) / 3)
    assert fwiou(scores.counts) == pytest.approx((4 * 2 / 4 + 2 * 1 / 3 + 1 * 1) / 7)
    assert scores.labelled_share == pytest.approx(7 / 8)
    assert scores.present.tolist() == [True, True, False, True]


def test_a_perfect_mask_scores_one_whatever_is_predicted_on_unlabelled_pixels():
    scores = scored([[0, 1, 255, 255]], [[0, 1, 2, 3]])
    assert (scores.miou, scores.pixel_accuracy, fwiou(scores.counts)) == (1.0, 1.0, 1.0)
    assert miou_all(scores.counts) == 0.5


@pytest.mark.parametrize("nothing", [4, 99, 254, 255])
def test_predicting_nothing_is_a_miss_and_no_false_alarm(nothing):
    scores = scored([[0, 0, 1, 1]], [[0, nothing, 1, 1]])
    assert scores.iou[:2] == pytest.approx([0.5, 1.0])
    assert scores.precision[:2] == pytest.approx([1.0, 1.0])


def test_it_is_one_matrix_for_the_set_and_no_mean_over_images():
    matrix = ConfusionMatrix(FOUR)
    matrix.update(np.zeros((1, 9), np.uint8), np.zeros((1, 9), np.uint8))
    matrix.update(np.zeros((1, 1), np.uint8), np.ones((1, 1), np.uint8))
    scores = matrix.compute()
    assert scores.iou[0] == pytest.approx(9 / 10)
    assert scores.images == 2
    assert scores.per_image[:, 0, 0].tolist() == [9, 0]


@given(truths, predictions)
@settings(max_examples=60, deadline=None)
def test_against_the_definition_written_as_loops(truth, prediction):
    scores = scored(truth, prediction)
    ious = []
    for id in range(4):
        is_true = [t == id for t in truth.flat]
        labelled = [t != 255 for t in truth.flat]
        is_predicted = [p == id and seen for p, seen in zip(prediction.flat, labelled, strict=True)]
        both = sum(a and b for a, b in zip(is_true, is_predicted, strict=True))
        either = sum(a or b for a, b in zip(is_true, is_predicted, strict=True))
        ious.append(both / either if either else np.nan)
    assert scores.iou == pytest.approx(ious, nan_ok=True)
    there = [ious[id] for id in range(4) if (truth == id).any()]
    assert scores.miou == pytest.approx(np.mean(there) if there else np.nan, nan_ok=True)
    assert 0 <= miou_all(scores.counts) <= (scores.miou if there else 0) + 1e-12


@given(truths, predictions)
@settings(max_examples=60, deadline=None)
def test_against_scikit_learn(truth, prediction):
    metrics = pytest.importorskip("sklearn.metrics")
    labelled = truth != 255
    if not labelled.any():
        return
    theirs = metrics.confusion_matrix(
        truth[labelled], np.minimum(prediction[labelled], 4), labels=range(5)
    )
    np.testing.assert_array_equal(scored(truth, prediction).counts, theirs[:4])


@given(truths, arrays(np.uint8, (4, 5), elements=st.integers(0, 3)))
@settings(max_examples=30, deadline=None)
def test_against_torchmetrics_where_it_means_the_same(truth, prediction):
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("torchmetrics.functional.classification")
    if not (truth != 255).any():
        return
    pair = torch.from_numpy(prediction).long(), torch.from_numpy(truth).long()
    options = {"num_classes": 4, "ignore_index": 255}
    scores = scored(truth, prediction)
    theirs = metrics.multiclass_jaccard_index(*pair, average="none", **options).numpy()
    assert np.nan_to_num(scores.iou) == pytest.approx(theirs)
    counts = metrics.multiclass_confusion_matrix(*pair, **options).numpy()
    np.testing.assert_array_equal(scores.counts[:, :4], counts)
    micro = metrics.multiclass_accuracy(*pair, average="micro", **options)
    assert scores.pixel_accuracy == pytest.approx(float(micro))


@given(truths, predictions)
@settings(max_examples=20, deadline=None)
def test_the_order_of_images_does_not_matter(truth, prediction):
    forth, back = ConfusionMatrix(FOUR), ConfusionMatrix(FOUR)
    for rows in (slice(0, 1), slice(1, 4)):
        forth.update(truth[rows], prediction[rows])
    for rows in (slice(1, 4), slice(0, 1)):
        back.update(truth[rows], prediction[rows])
    np.testing.assert_array_equal(forth.compute().counts, back.compute().counts)
    np.testing.assert_array_equal(forth.compute().counts, scored(truth, prediction).counts)


def test_scores_in_a_coarser_set_are_scores_of_mapped_masks():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 19, (30, 40)).astype(np.uint8)
    truth[rng.random(truth.shape) < 0.2] = 255
    prediction = rng.integers(0, 19, (30, 40)).astype(np.uint8)
    table = lookup("cityscapes19", "joint11")
    merged = scored(
        truth, prediction, labels="joint11",
        truth_labels="cityscapes19", prediction_labels="cityscapes19",
    )  # fmt: skip
    mapped = scored(table[truth], table[prediction], labels="joint11")
    np.testing.assert_array_equal(merged.counts, mapped.counts)
    assert merged.labelled_share == mapped.labelled_share


def test_each_side_is_mapped_by_its_own_table():
    scores = scored(
        [[3, 0, 10, 8]], [[0, 10, 13, 14]], labels="joint11",
        truth_labels="camvid11", prediction_labels="cityscapes19",
    )  # fmt: skip
    # Road and sky agree, CamVid's bicyclist is not counted, a truck is a vehicle.
    assert scores.counts.sum() == 3
    assert scores.miou == 1.0


def test_no_labelled_pixel_gives_no_score():
    scores = scored([[255, 255]], [[0, 1]])
    assert np.isnan(
        [scores.miou, scores.pixel_accuracy, class_accuracy(scores.counts), fwiou(scores.counts)]
    ).all()
    assert scores.labelled_share == 0.0


@pytest.mark.parametrize(
    ("truth", "prediction", "said"),
    [
        (np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), "same size"),
        (np.zeros((2, 2)), np.zeros((2, 2), np.uint8), "truth is float64"),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3), np.uint8), r"prediction is uint8 \[2, 2"),
        (np.full((2, 2), 4, np.uint8), np.zeros((2, 2), np.uint8), "truth contains id 4, but its"),
        (np.full((2, 2), -1), np.zeros((2, 2), np.uint8), "truth contains ids -1 to -1"),
        (np.zeros((2, 2), np.uint8), np.full((2, 2), 256), "prediction contains ids 256 to 256"),
    ],
)
def test_masks_that_cannot_be_scored(truth, prediction, said):
    with pytest.raises(NightsegError, match=said):
        ConfusionMatrix(FOUR).update(truth, prediction)


def test_a_refused_image_is_not_counted():
    matrix = ConfusionMatrix(FOUR)
    with pytest.raises(NightsegError):
        matrix.update(np.full((2, 2), 7, np.uint8), np.zeros((2, 2), np.uint8))
    with pytest.raises(NightsegError, match="no image was counted"):
        matrix.compute()


def test_other_integer_types_are_ids_too():
    matrix = ConfusionMatrix(FOUR)
    matrix.update(np.array([[0, 255]], np.int64), np.array([[0, 3]], np.int32))
    assert matrix.compute().miou == 1.0


def test_counts_of_a_table_are_counts_of_the_image():
    rng = np.random.default_rng(0)
    truth = rng.choice([0, 3, 18, 255], (30, 40)).astype(np.uint8)
    prediction = rng.integers(0, 19, truth.shape).astype(np.uint8)
    names = {"truth_labels": "cityscapes19", "prediction_labels": "cityscapes19"}
    by_image, by_table = (ConfusionMatrix("joint11", **names) for _ in range(2))
    by_image.update(truth, prediction)
    by_table.add(joint_counts(truth, prediction))
    np.testing.assert_array_equal(by_table.compute().per_image, by_image.compute().per_image)
    assert by_table.compute().labelled_share == by_image.compute().labelled_share
    with pytest.raises(NightsegError, match="truth contains id 19"):
        by_table.add(joint_counts(np.full((2, 2), 19, np.uint8), prediction[:2, :2]))
