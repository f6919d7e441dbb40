# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg import`: each form of input and output becomes a model folder with known masks."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[export]'")

from support import foreign_networks as foreign  # noqa: E402
from support.label_files import known_sets_kept  # noqa: E402
from support.toy_network import HEIGHT, WIDTH, toy_image  # noqa: E402

from nightseg_ros.bundles.bundle import Bundle  # noqa: E402
from nightseg_ros.cli.main import main  # noqa: E402
from nightseg_ros.engines.select import create_engine  # noqa: E402
from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.replay.card import render_card  # noqa: E402

SIZE = f"{WIDTH}x{HEIGHT}"


@pytest.fixture(autouse=True)
def _known_sets_kept():
    with known_sets_kept():
        yield


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """Return a folder of three images whose masks are known."""
    folder = tmp_path_factory.mktemp("frames") / "photos"
    folder.mkdir()
    for seed in range(3):
        cv2.imwrite(str(folder / f"{seed}.png"), toy_image(seed)[0][..., ::-1])
    return folder


@pytest.fixture
def bring(tmp_path, frames, capsys):
    """Return a call of the verb on a network, which returns exit code, result and error."""

    def bring(onnx, *words, labels="cityscapes19", normalise="unit", route="night"):
        file = tmp_path / "net.onnx"
        if onnx is not None:
            file.write_bytes(onnx)
        given = {"--labels": labels, "--normalise": normalise, "--route": route}
        options = [word for pair in given.items() if pair[1] for word in pair]
        words = ["import", file, "--out", tmp_path / "net", "--frames", frames, *options, *words]
        code = main([*map(str, words), "--json"])
        out, error = capsys.readouterr()
        return code, json.loads(out) if out else None, error

    return bring


def ran(folder, image):
    engine = create_engine(Bundle.load(folder), "onnxruntime-cpu")
    mask, confidence = engine.run(image)
    engine.close()
    return mask, confidence


@pytest.mark.parametrize(
    ("network", "words", "found"),
    [
        ({}, (), "out, float32 1x19x48x64: logits ("),
        ({"opset": 11}, (), "logits"),
        ({"opset": 20}, (), "logits"),
        ({"form": "probabilities"}, (), "probabilities (made by Softmax)"),
        ({"form": "ids"}, (), "out, int64 1x48x64: ids"),
        ({"form": "ids", "id_type": foreign.INT32}, (), "out, int32 1x48x64: ids"),
        ({"form": "ids", "id_type": foreign.BYTE}, (), "out, uint8 1x48x64: ids"),
        ({"form": "ids", "id_type": foreign.FLOAT}, (), "out, float32 1x48x64: ids"),
        ({"form": "ids", "keep": True}, (), "out, int64 1x1x48x64: ids"),
        ({"form": "ids", "keep": True, "out_last": True}, (), "out, int64 1x48x64x1: ids"),
        ({"last": True}, (), "logits"),
        ({"out_last": True}, (), "out, float32 1x48x64x19: logits"),
        ({"last": True, "bytes_in": True}, (), "logits"),
        ({"bytes_in": True, "bgr": True}, ("--bgr",), "logits"),
        ({"bgr": True}, ("--bgr",), "logits"),
        ({"dynamic": True}, ("--size", SIZE), "logits"),
        ({"dynamic": True, "free_channels": True}, ("--size", SIZE), "logits"),
        ({"name": "image", "out": "mask"}, (), "mask, float32"),  # the names that ours have
    ],
)
def test_every_form_of_input_and_output_has_the_same_mask(bring, tmp_path, network, words, found):
    unit = None if network.get("bytes_in") else "unit"
    code, result, error = bring(foreign.segmenter(**network), *words, normalise=unit)
    assert code == 0, error
    assert found in result["found"]["output"]
    assert result["parity"]["equal_share"] >= 0.999
    assert result["tensorrt"], result["tensorrt_lacks"]
    image, ids = toy_image(7)
    mask, confidence = ran(tmp_path / "net", image)
    np.testing.assert_array_equal(mask, ids)
    assert confidence.min() > 255 / 20  # also of ids: their network has scores inside


@pytest.mark.parametrize(
    ("words", "scale"),
    [
        (("--mean", 0, 0, 0, "--std", "255", "255", "255"), 1.0),
        (("--scale", 1 / 127.5), 0.5),
        (("--mean", "0", "0", "0", "--std", "0.5", "0.5", "0.5", "--scale", 1 / 255), 0.5),
    ],
)
def test_own_normalisation(bring, tmp_path, words, scale):
    code, _, error = bring(foreign.segmenter(scale=scale), *words, normalise=None)
    assert code == 0, error
    image, ids = toy_image(7)
    np.testing.assert_array_equal(ran(tmp_path / "net", image)[0], ids)


@pytest.mark.parametrize("form", ["logits", "probabilities", "ids"])
def test_reduced_outputs_are_upsampled_as_the_original_is(bring, tmp_path, form):
    code, result, error = bring(foreign.segmenter(form, stride=4))
    assert code == 0, error
    assert "12x16" in result["found"]["output"]
    image, ids = toy_image(7)
    mask, _ = ran(tmp_path / "net", image)
    np.testing.assert_array_equal(mask[3::8, 3::8], ids[3::8, 3::8])  # inside of the blocks


@pytest.mark.parametrize("network", [{}, {"channel": False}, {"sigmoid": False}])
def test_one_channel_separates_two_classes(bring, tmp_path, network):
    labels = tmp_path / "two.yaml"
    labels.write_text("name: two\nclasses: [other, drivable]\n")
    words = [] if network.get("sigmoid", True) else ["--output-kind", "binary-logits"]
    code, result, error = bring(foreign.binary(**network), *words, labels=labels)
    assert code == 0, error
    assert result["classes"] == 2
    image, _ = toy_image(7)
    mask, confidence = ran(tmp_path / "net", image)
    np.testing.assert_array_equal(mask, image[..., 0] > 127)
    sure = 1 / (1 + np.exp(-np.abs(image[..., 0] / 255.0 - 0.5) * 10))
    np.testing.assert_allclose(confidence, 255 * sure, atol=1.01)


def test_ids_of_a_network_without_scores(bring, tmp_path, capsys):
    grey = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    grey[:, 32:] = 3
    grey[0, 0] = 255  # unlabelled, in the network too
    for seed in range(3):
        cv2.imwrite(str(tmp_path / f"{seed}.png"), grey)
    labels = tmp_path / "four.yaml"
    labels.write_text("name: four\nclasses: [a, b, c]\nvoid: [3]\n")
    words = ["--frames", str(tmp_path)]
    code, result, error = bring(foreign.raw_ids(), *words, labels=labels, normalise="none")
    assert code == 0, error
    assert result["found"]["confidence"].startswith("none")
    mask, confidence = ran(tmp_path / "net", grey)
    assert mask[0, 0] == 255
    assert (mask[1:, :32] == 0).all()
    assert (mask[:, 32:] == 255).all()  # void
    assert (confidence == 255).all()
    grey[5, 5] = 0, 0, 255  # red: an id that the labels lack, and no frame of the proof had
    cv2.imwrite(str(tmp_path / "red.png"), grey)
    words = ["segment", tmp_path / "red.png", "--out", tmp_path / "masks"]
    assert main([str(word) for word in (*words, "--model", tmp_path / "net")]) == 2
    assert "class id 77 in 'mask', but there are 3 classes" in capsys.readouterr().out
    assert not list((tmp_path / "masks").glob("*.png"))


@pytest.mark.parametrize(("offset", "value"), [(300, 300), (-9, -9), (19, 19)])
def test_ids_that_the_labels_lack_are_refused_with_tensor_and_value(bring, tmp_path, offset, value):
    cv2.imwrite(str(tmp_path / "0.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    code, _, error = bring(foreign.raw_ids(offset), "--frames", str(tmp_path), normalise="none")
    assert code == 2
    assert f"output 'out' (int32 1x48x64) returns id {value} on frame 1" in error
    assert not (tmp_path / "net").exists()


def test_the_inside_of_a_shipped_model_becomes_that_model_again(bring, tmp_path, repository):
    shipped = Bundle.load(repository / "models" / "erf_pspnet_fast_day")
    whole = onnx.shape_inference.infer_shapes(onnx.load(shipped.onnx_path))
    planes = next(node.output[0] for node in whole.graph.node if node.op_type == "Mul")
    scores = next(node.input[0] for node in whole.graph.node if node.op_type == "Softmax")
    inside = onnx.utils.Extractor(whole).extract_model([planes], [scores])
    code, result, error = bring(inside.SerializeToString(), route="day")
    assert code == 0, error
    assert "1x19x34x60: logits" in result["found"]["output"]
    for seed in range(2):
        image = cv2.resize(toy_image(seed)[0], (shipped.width, shipped.height))
        (mask, confidence), (wanted, sure) = ran(tmp_path / "net", image), ran(shipped.path, image)
        assert (mask == wanted).mean() > 0.9999
        assert np.abs(confidence.astype(int) - sure).max() <= 1


def test_the_card_and_model_yaml_keep_what_was_found(bring, tmp_path):
    code, result, error = bring(foreign.segmenter(), "--licence", "MIT")
    assert code == 0, error
    bundle = Bundle.load(tmp_path / "net")
    assert (bundle.route, bundle.licence, bundle.labels.name) == ("night", "MIT", "cityscapes19")
    assert bundle.training["imported"] == result["found"]
    assert bundle.metrics["parity"] == result["parity"]
    card = (tmp_path / "net" / "README.md").read_text()
    assert "Imported from `net.onnx`" in card
    assert "compared with the original, run by its own rules, on 3 frames: 100.00 %" in card
    assert "x, float32 1x3x48x64" in card
    assert str(tmp_path) not in card + (tmp_path / "net" / "model.yaml").read_text()
    measured = render_card(bundle, {}, "", {})
    assert "Imported from `net.onnx`" in measured
    assert "MIT" in measured
    assert "BDD100K" not in measured  # which ours were trained on


def test_photos_are_tried_before_anything_is_kept(bring, tmp_path, frames):
    code, result, error = bring(foreign.segmenter(), "--try", str(frames))
    assert code == 0, error
    assert not (tmp_path / "net").exists()
    assert result["written"] == 3
    assert sorted(path.name for path in (tmp_path / "net_try").glob("*_overlay.jpg")) == [
        f"{seed}_overlay.jpg" for seed in range(3)
    ]
    mask = cv2.imread(str(tmp_path / "net_try" / "0.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask, toy_image(0)[1])


def test_all_that_is_not_known_is_asked_for_at_once_with_its_reason(bring):
    nothing = {"labels": None, "normalise": None, "route": None}
    code, _, error = bring(foreign.segmenter(dynamic=True), **nothing)
    assert code == 2
    for part in (
        "--size WxH: its input x, float32 ?x3x?x?, takes any size",
        "--normalise imagenet|mmseg|unit|symmetric|none",
        "--labels NAME|FILE: names and colours of classes are not in the graph (output 'out'",
        "--route day|night|fused",
    ):
        assert part in error


@pytest.mark.parametrize(
    ("onnx", "words", "options", "said"),
    [
        (foreign.segmenter(), (), {"labels": "voc21"},
         "output 'out' (float32 1x19x48x64) has 19 classes, --labels voc21 has 21; name those it "
         "was trained on; known sets of 19: cityscapes19"),
        (foreign.segmenter(), ("--size", "64x64"), {},
         "--size 64x64 does not fit its input 'x': it is exported for 1x3x48x64"),
        (foreign.segmenter(stride=4, dynamic=True), ("--size", "5x4"), {}, "size 5x4: both sides"),
        (foreign.segmenter(bytes_in=True), (), {}, "input 'x' is uint8, so it normalises inside"),
        (foreign.segmenter(), ("--scale", "1"), {}, "--normalise unit has its own mean"),
        (foreign.segmenter(), ("--mean", "1", "2"), {"normalise": None}, "--mean has 2 values"),
        (foreign.segmenter(), ("--std", "1", "0", "1"), {"normalise": None}, "none may be 0"),
        (foreign.segmenter(), ("--output", "seg"), {}, "has no output 'seg'; it has out, float32"),
        (foreign.segmenter(), ("--output-kind", "probabilities"), {}, "these are no probabilities"),
        (foreign.two_outputs(), (), {}, "2 outputs that could be the mask"),
        (foreign.depth(), (), {}, "output 'depth' (float32 1x1x48x64) is one channel with values"),
        (foreign.binary(), (), {}, "has 2 classes, --labels cityscapes19 has 19"),
        (foreign.detector(), (), {}, "'boxes' (1x30x4) looks like the boxes of a detector"),
        (b"no graph", (), {}, "is no ONNX file"),
        (None, (), {}, "No such file or directory"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_nothing_written(
    bring, tmp_path, onnx, words, options, said
):
    code, _, error = bring(onnx, *words, **options)
    assert code == 2
    assert said in error
    assert error.count("\n") == 1 or "prove" in error
    assert not (tmp_path / "net").exists()


def test_one_of_two_outputs_is_taken_where_only_it_fits_or_is_named(bring):
    code, result, error = bring(foreign.two_outputs(5))
    assert code == 0, error
    assert result["found"]["output"].startswith("out,")
    code, result, error = bring(foreign.two_outputs(), "--output", "aux")
    assert code == 0, error
    assert result["found"]["output"].startswith("aux,")


def test_a_wrapped_graph_that_differs_from_its_original_is_not_kept(bring, tmp_path, monkeypatch):
    from nightseg_ros.export.imported import original

    real = original.Reference.run

    def other(self, image):
        mask, confidence = real(self, image)
        mask[:1] = 18 - mask[:1]  # 2 % of the rows
        return mask, confidence

    monkeypatch.setattr(original.Reference, "run", other)
    code, _, error = bring(foreign.segmenter())
    assert code == 2
    assert "of the pixels equal, need" in error
    assert not (tmp_path / "net").exists()


def test_an_import_is_exported_in_int8_like_ours(bring, tmp_path, frames):
    many = tmp_path / "many"
    many.mkdir()
    for seed in range(20):
        cv2.imwrite(str(many / f"{seed}.png"), toy_image(seed)[0])
    labels = tmp_path / "own.yaml"
    names = ", ".join(f"class {id}" for id in range(19))
    labels.write_text(f"name: own19\nclasses: [{names}]\n")  # has no map to any other set
    assert bring(foreign.segmenter(), labels=labels)[0] == 0
    words = ["export", str(tmp_path / "net"), "--int8", "--calibrate", str(many)]
    assert main([*words, "--out", str(tmp_path / "int8")]) == 0
    bundle = Bundle.load(tmp_path / "int8")
    assert bundle.training["imported"]["file"] == "net.onnx"


def test_module_raises_what_people_read(tmp_path):
    from nightseg_ros.export.imported.network import read_network

    with pytest.raises(NightsegError, match="a folder"):
        read_network(tmp_path)
