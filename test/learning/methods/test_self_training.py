# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Self-training: who teaches, which pixels count, and what is said when the day gets worse."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from support.made_up_data import make_data  # noqa: E402

from nightseg_ros.datasets.catalog import open_set  # noqa: E402
from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.labels.label_set import CITYSCAPES19  # noqa: E402
from nightseg_ros.learning.config import build, load_config  # noqa: E402
from nightseg_ros.learning.methods.self_training.config import SelfTrainingConfig  # noqa: E402
from nightseg_ros.learning.methods.self_training.module import fallen  # noqa: E402
from nightseg_ros.learning.methods.self_training.pool_labels import thresholds_by_hand  # noqa: E402
from nightseg_ros.learning.methods.self_training.teachers import (  # noqa: E402
    AveragedRoutes,
    TaughtRoute,
    measure_thresholds,
    thresholds_of,
)
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.registry import (  # noqa: E402
    create_network,
    load_checkpoint,
    save_checkpoint,
)
from nightseg_ros.learning.networks.segmenter import Segmenter  # noqa: E402
from nightseg_ros.learning.pseudo_labels import label_images  # noqa: E402
from nightseg_ros.learning.train import train  # noqa: E402
from nightseg_ros.learning.validation import Figures, figures_of  # noqa: E402

STUDENT = """
name: student
network: {name: erf_pspnet, width: 0.25}
init: start.pt
train: [{data: "nightseg:{data}:bdd_labelled/train"}]
val: ["nightseg:{data}:bdd_labelled/val@day", "nightseg:{data}:bdd_labelled/val@night"]
view: [32, 48]
cache: [48, 80]
test_size: [32, 48]
steps: 2
val_every: 2
batch: 2
precision: 32-true
"""


class Painted(Segmenter):
    """A network whose scores follow the brightness: class 0 where it is dark, else class 1."""

    stride = 1

    def __init__(self, sharpness: float = 8.0) -> None:
        super().__init__()
        self.sharpness = torch.nn.Parameter(torch.tensor(sharpness))

    def logits(self, x):
        light = (x.mean(1) - 0.5) * self.sharpness
        return torch.stack([-light, light, torch.full_like(light, -9.0)], 1)


class Inverter(torch.nn.Module):
    def forward(self, x):
        return -x


@pytest.fixture
def work(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_data(tmp_path / "data")
    torch.manual_seed(0)
    network = NetworkConfig(width=0.25)
    save_checkpoint(tmp_path / "start.pt", create_network(network), network, {})
    (tmp_path / "student.yaml").write_text(STUDENT)
    return tmp_path


def config(**changes) -> SelfTrainingConfig:
    values = {
        "name": "st",
        "student": "student.yaml",
        "pools": [{"images": "unlabelled:{data}/pool_night", "count": 2}],
        "rounds": 2,
        "probe": 2,
        "keep": 1.0,
        "floor": 0.0,
        "sure": 0.2,
        **changes,
    }
    return build(SelfTrainingConfig, values, "test")


def test_a_translated_route_turns_the_average(tmp_path):
    dark = np.full((32, 64, 3), 40, np.uint8)
    alone = AveragedRoutes([TaughtRoute(Painted())])(dark)
    assert alone.argmax(0).unique().tolist() == [0]
    both = AveragedRoutes(
        [TaughtRoute(Painted()), TaughtRoute(Painted(), Inverter(), (32, 64), weight=3.0)]
    )(dark)
    assert both.argmax(0).unique().tolist() == [1]
    torch.testing.assert_close(both.sum(0), torch.ones(32, 64))
    torch.testing.assert_close(both[0], (alone[0] + 3 * alone[1]) / 4, atol=0.02, rtol=0)


def test_thresholds_keep_the_surest_share_of_each_class():
    counts = np.zeros((3, 10), np.int64)
    counts[0, 9], counts[0, 5] = 60, 40  # sure of the road
    counts[1, 6], counts[1, 4] = 30, 70  # never sure of the pole
    found = thresholds_of(counts, keep=0.5, floor=0.45, sure=0.85)
    assert found.tolist() == pytest.approx([0.85, 0.45, 0.85])
    assert thresholds_of(counts, keep=0.3, floor=0.45, sure=0.85)[1] == pytest.approx(0.6)


def test_each_class_has_its_own_threshold_in_the_labels(tmp_path):
    (tmp_path / "in").mkdir()
    image = np.full((32, 64, 3), 77, np.uint8)  # as far from the middle as the other half
    image[:, 32:] = 178
    cv2.imwrite(str(tmp_path / "in" / "a.png"), image)
    pool = open_set(f"unlabelled:{tmp_path / 'in'}")
    teacher = AveragedRoutes([TaughtRoute(Painted(4.0))])
    limits = np.array([0.5, 0.99, 0.5], np.float32)
    ((_, share),) = label_images(teacher, pool, tmp_path / "out", threshold=limits)
    mask = cv2.imread(str(tmp_path / "out" / "labels" / "a.png"), cv2.IMREAD_UNCHANGED)
    assert mask[:, :28].max() == 0
    assert (mask[:, 36:] == 255).all()
    assert 0.4 < share < 0.6
    measured = measure_thresholds(teacher, pool, classes=3, keep=0.5, floor=0.1, sure=0.97, probe=1)
    assert measured[0] == pytest.approx(0.83, abs=0.03)
    assert measured[2] == pytest.approx(0.97)


@pytest.mark.slow
def test_two_rounds_run_and_go_on_where_they_stopped(work, capsys):
    settings = config(next_teacher="mean", class_thresholds=[{"name": "sky", "threshold": 0.3}])
    result = train(settings, work / "out", str(work / "data"))
    rounds = json.loads((work / "out" / "rounds.json").read_text())
    assert [row["round"] for row in rounds] == [0, 1, 2]
    record = json.loads((work / "out" / "round_1" / "teachers.json").read_text())
    assert record["about"]["teachers"][0]["checkpoint"] == "start.pt"
    assert record["pools"][0]["thresholds"]["sky"] == 0.3
    assert 0 < record["pools"][0]["shares"]["labelled"] <= 1
    second = json.loads((work / "out" / "round_2" / "teachers.json").read_text())
    assert second["about"]["teachers"][0]["checkpoint"].endswith("round_1/next_teacher.pt")
    reported = capsys.readouterr().err
    assert "round 2: bdd_labelled_val@day: mIoU" in reported

    best = max(rounds, key=lambda row: row["miou"]["mean"])
    assert result["chosen_round"] == best["round"]
    chosen, _, _ = load_checkpoint(work / "out" / "model.pt")
    wanted, _, _ = load_checkpoint(Path(best["checkpoint"]))
    for ours, theirs in zip(chosen.parameters(), wanted.parameters(), strict=True):
        assert torch.equal(ours, theirs)

    mixed, _, _ = load_checkpoint(work / "out" / "round_1" / "next_teacher.pt")
    old, _, _ = load_checkpoint(work / "start.pt")
    new, _, _ = load_checkpoint(work / "out" / "round_1" / "model.pt")
    for middle, a, b in zip(mixed.parameters(), old.parameters(), new.parameters(), strict=True):
        torch.testing.assert_close(middle, (a + b) / 2)

    before = (work / "out" / "round_1" / "model.pt").stat().st_mtime_ns
    (work / "out" / "round_2" / "result.json").unlink()
    train(settings, work / "out", str(work / "data"))
    assert (work / "out" / "round_1" / "model.pt").stat().st_mtime_ns == before
    with pytest.raises(NightsegError, match=r"keep: 1.0 there, 0.3 here.*--no-resume"):
        train(config(next_teacher="mean", keep=0.3), work / "out", str(work / "data"))
    # The labels of round 2 are those of the student that round 1 left, not of another.
    (work / "out" / "round_2" / "result.json").unlink()
    save_checkpoint(work / "out" / "round_1" / "model.pt", new, NetworkConfig(width=0.25), {})
    with pytest.raises(NightsegError, match="init: other files than now"):
        train(settings, work / "out", str(work / "data"))


def test_the_ema_teacher_relabels_the_pool_alone(work):
    from nightseg_ros.learning.methods.self_training.module import EmaTeacherModule
    from nightseg_ros.learning.source_config import SourceConfig
    from nightseg_ros.learning.tensor_set import JoinedSet, load_source

    single = load_config(work / "student.yaml")
    data = str(work / "data")
    labelled = load_source(single.train[0], data, single.cache, 0)
    pool = load_source(
        SourceConfig("nightseg:{data}:bdd_labelled/val@night"), data, single.cache, 0
    )
    recipe = EmaTeacherModule(single, JoinedSet([labelled, pool]), {}, np.zeros(19, np.float32))
    recipe.pool_from = len(labelled)
    images = torch.rand(2, 3, 32, 48) * 0.9 + 0.05
    images[1, :, :, :8] = 0
    labels = torch.full((2, 32, 48), 7, dtype=torch.uint8)
    seen = recipe.relabel(images, labels, torch.tensor([0, len(labelled)]))
    assert (seen[0] == 7).all()
    assert (labels == 7).all()
    wanted = recipe.average(images[1:]).argmax(1)[0]
    assert torch.equal(seen[1, :, 8:].long(), wanted[:, 8:])
    assert (seen[1, :, :8] == 255).all()
    recipe.thresholds.fill_(0.999)
    assert (recipe.relabel(images, labels, torch.tensor([9_999, 0]))[0] == 255).all()


def test_the_ema_teacher_trains_from_scratch(work):
    settings = config(
        start="scratch", teachers=[{"checkpoint": "start.pt"}], ema_teacher=True, rounds=1
    )
    result = train(settings, work / "out", str(work / "data"))
    assert "round 1, miou bdd_labelled_val@day" in result["figures"]


def test_a_worse_day_is_said_and_a_better_one_is_not():
    good, bad = Figures(0.5, 60.0), Figures(0.7, 55.0)
    warning = fallen(3, "day", good, bad)
    assert "loss on day ROSE from 0.500 to 0.700" in warning
    assert "mIoU on day FELL" in warning
    assert fallen(3, "day", bad, good) == ""


def test_loss_and_miou_of_a_known_answer():
    frames = torch.zeros(1, 32, 64, 3, dtype=torch.uint8)
    frames[:, :, 32:] = 255
    labels = torch.zeros(1, 32, 64, dtype=torch.uint8)
    labels[:, :, 32:] = 1
    right = figures_of(Painted(20.0), frames, labels, (32, 64))
    assert right.miou == pytest.approx(100)
    assert right.loss < 0.01
    wrong = figures_of(Painted(20.0), frames, 1 - labels, (32, 64))
    assert wrong.miou == pytest.approx(0)
    assert wrong.loss > 5
    labels[:, :, 32:] = 255
    half = figures_of(Painted(20.0), frames, labels, (32, 64))
    assert half.miou == pytest.approx(100)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": "maybe"}, "start is 'maybe'"),
        ({"next_teacher": "x"}, "next_teacher is 'x'"),
        ({"floor": 0.95}, "floor is 0.95; use at most sure"),
        ({"pools": []}, r"pools is \[\]"),
    ],
)
def test_wrong_keys_are_named(changes, message):
    with pytest.raises(NightsegError, match=message):
        config(**changes)
    cow = config(class_thresholds=[{"name": "cow", "threshold": 0.5}])
    with pytest.raises(NightsegError, match="'cow' is unknown"):
        thresholds_by_hand(cow, CITYSCAPES19)


def test_a_joined_student_stands_beside_the_first_teachers(work):
    from nightseg_ros.learning.methods.self_training.config import TeacherConfig
    from nightseg_ros.learning.methods.self_training.module import _next_teachers

    first = (TeacherConfig("start.pt", weight=2.0),)
    settings = config(next_teacher="joined", teachers=[{"checkpoint": "start.pt", "weight": 2.0}])
    second = _next_teachers(settings, first, Path("one.pt"), work)
    assert second == (*first, TeacherConfig("one.pt"))
    third = _next_teachers(settings, second, Path("two.pt"), work)
    assert third == (*first, TeacherConfig("two.pt"))
