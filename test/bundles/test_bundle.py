# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A model folder comes back as it was written, and nothing that was tampered with gets in."""

from __future__ import annotations

import datetime
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from nightseg_ros.bundles import bundle
from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.bundles.models_folder import default_models_dir, find_bundles
from nightseg_ros.bundles.write import write_bundle
from nightseg_ros.errors import NightsegError
from nightseg_ros.files import plain_yaml
from nightseg_ros.labels.label_set import CITYSCAPES19, Label, LabelSet

NETWORK = b"not a network, but a bundle does not look inside"


def write(folder: Path, **fields: Any) -> Bundle:
    values: dict[str, Any] = {
        "name": "net",
        "kind": "segmentation",
        "route": "day",
        "height": 272,
        "width": 480,
        "labels": CITYSCAPES19,
        "metrics": {"miou": 0.61, "per_class": {"road": 0.9}},
        "training": {"seed": 1},
        "licence": "Apache-2.0",
        "card": "# Net\n",
        **fields,
    }
    return write_bundle(folder, NETWORK, **values)


def deep_list(levels: int) -> list[Any]:
    return [deep_list(levels - 1)] if levels else []


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "model.yaml"
    data = yaml.safe_load(path.read_text())
    change(data)
    path.write_text(yaml.safe_dump(data, sort_keys=False))


def test_what_was_written_is_what_is_loaded(tmp_path: Path) -> None:
    written = write(tmp_path / "net")
    loaded = Bundle.load(tmp_path / "net")
    assert loaded == written
    assert (loaded.height, loaded.width, loaded.labels) == (272, 480, CITYSCAPES19)
    assert loaded.metrics == {"miou": 0.61, "per_class": {"road": 0.9}}
    assert loaded.read_model() == NETWORK
    assert (tmp_path / "net" / "README.md").read_text() == "# Net\n"


def test_a_translation_has_no_labels_and_another_role(tmp_path: Path) -> None:
    written = write(tmp_path / "t", kind="translation", route="translate", labels=None)
    assert (written.role, written.outputs, written.labels) == ("translator", ("translated",), None)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("format", 2, "format is 2"),
        ("format", None, "format is None"),
        ("name", "../net", "name is"),
        ("name", 7, "name is 7, need a text"),
        ("kind", "detection", "kind is 'detection'"),
        ("route", "translate", "a segmentation has day or night"),
        ("also", ["translate"], "also is"),
        ("also", "night", "also is 'night', need a list of night"),
        ("sha256", "abc", "need 64 hexadecimal"),
        ("outputs", ["mask"], "outputs are"),
        ("input", {"height": 0, "width": 480}, "input height is 0"),
        ("input", {"height": True, "width": 480}, "input height is True"),
        ("input", {"height": 272, "width": 100_000}, "input width is 100000"),
        ("input", [272, 480], "need a mapping"),
        ("labels", None, "label set"),
        ("labels", {"name": "mine", "classes": []}, "0 classes"),
        ("metrics", "good", "metrics is 'good'"),
        ("file", "../model.onnx", "need the name of a file in the same folder"),
        ("file", "/etc/passwd", "need the name of a file in the same folder"),
        ("file", "sub/model.onnx", "need the name of a file in the same folder"),
        ("file", "..", "need the name of a file in the same folder"),
        ("file", "..\\model.onnx", "need the name of a file in the same folder"),
        ("file", "a\0b", "need the name of a file in the same folder"),
    ],
)
def test_a_wrong_field_is_refused_with_its_value(
    tmp_path: Path, key: str, value: object, reason: str
) -> None:
    write(tmp_path / "net")
    rewrite(tmp_path / "net", lambda data: data.update({key: value}))
    with pytest.raises(NightsegError) as caught:
        Bundle.load(tmp_path / "net")
    assert reason in str(caught.value)
    assert str(tmp_path / "net") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_classes_under_a_borrowed_name_are_refused(tmp_path: Path) -> None:
    swapped = [Label(0, "sidewalk", (1, 1, 1)), Label(1, "road", (2, 2, 2))]
    with pytest.raises(NightsegError, match="other classes than that set"):
        write(tmp_path / "net", labels=LabelSet("cityscapes19", tuple(swapped)))
    own = LabelSet("mine", tuple(swapped))
    assert write(tmp_path / "net", labels=own).labels == own


def test_a_changed_network_is_refused_unless_verification_is_off(tmp_path: Path) -> None:
    write(tmp_path / "net")
    (tmp_path / "net" / "model.onnx").write_bytes(NETWORK + b"!")
    with pytest.raises(NightsegError, match=r"sha256 of model\.onnx"):
        Bundle.load(tmp_path / "net")
    unverified = Bundle.load(tmp_path / "net", verify=False)
    with pytest.raises(NightsegError, match=r"sha256 of model\.onnx"):
        unverified.read_model()  # what engines are built from is checked in any case


def test_a_missing_or_empty_network_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "net")
    (tmp_path / "net" / "model.onnx").write_bytes(b"")
    with pytest.raises(NightsegError, match="has 0 bytes"):
        Bundle.load(tmp_path / "net")
    (tmp_path / "net" / "model.onnx").unlink()
    with pytest.raises(NightsegError, match=r"cannot read model\.onnx"):
        Bundle.load(tmp_path / "net")


def test_a_network_of_absurd_size_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "net")
    monkeypatch.setattr(bundle, "MAX_ONNX_BYTES", len(NETWORK) - 1)
    with pytest.raises(NightsegError, match=f"has {len(NETWORK)} bytes"):
        Bundle.load(tmp_path / "net")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["model.yaml", "model.onnx"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_may_never_end_is_not_opened(tmp_path: Path, name: str, kind: str) -> None:
    write(tmp_path / "net")
    file = tmp_path / "net" / name
    file.unlink()
    if kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to("/dev/zero")
    words = f"{name} is a (named pipe|device)|{name} is a link to /dev/zero"
    with pytest.raises(NightsegError, match=words):
        Bundle.load(tmp_path / "net")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "net")
    (tmp_path / "elsewhere").mkdir()
    shutil.move(tmp_path / "net" / "model.onnx", tmp_path / "elsewhere" / "model.onnx")
    (tmp_path / "net" / "model.onnx").symlink_to(tmp_path / "elsewhere" / "model.onnx")
    with pytest.raises(NightsegError, match="is a link to"):
        Bundle.load(tmp_path / "net")


def test_a_folder_installed_as_links_is_accepted(tmp_path: Path) -> None:
    """As `colcon build --symlink-install` leaves it."""
    write(tmp_path / "source" / "net")
    installed = tmp_path / "share" / "net"
    installed.mkdir(parents=True)
    for file in (tmp_path / "source" / "net").iterdir():
        (installed / file.name).symlink_to(file)
    assert Bundle.load(installed).read_model() == NETWORK


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("!!python/object/apply:os.system ['true']", "tags"),
        ("a: &x [1]\nb: [*x, *x]", "aliases"),
        ("a: [1", "not plain YAML"),
        ("- a list", "no mapping"),
        ("", "no mapping"),
        ("\x00", "not plain YAML"),
        ("[" * 5000, "nested deeper"),
    ],
    ids=["object", "alias", "broken", "list", "empty", "binary", "deep"],
)
def test_yaml_that_is_not_plain_data_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    write(tmp_path / "net")
    (tmp_path / "net" / "model.yaml").write_text(text)
    with pytest.raises(NightsegError) as caught:
        Bundle.load(tmp_path / "net")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "net") in str(caught.value)


def test_yaml_that_is_too_large_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "net")
    path = tmp_path / "net" / "model.yaml"
    path.write_text(path.read_text() + "#" * plain_yaml.MAX_BYTES)
    with pytest.raises(NightsegError, match="larger than"):
        Bundle.load(tmp_path / "net")


def test_not_utf8_and_not_there_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "net")
    (tmp_path / "net" / "model.yaml").write_bytes(b"name: \xff")
    with pytest.raises(NightsegError, match="not plain YAML"):
        Bundle.load(tmp_path / "net")
    with pytest.raises(NightsegError, match="cannot read"):
        Bundle.load(tmp_path / "none")


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "detection"},
        {"name": "a b"},
        {"height": 3},
        {"metrics": {"x": object()}},
        {"metrics": {"x": "y" * plain_yaml.MAX_BYTES}},
        {"training": {"day": datetime.date(2026, 1, 31), "deep": deep_list(40)}},
    ],
    ids=lambda fields: str(fields)[:40],
)
def test_nothing_is_written_when_a_field_is_wrong(tmp_path: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(NightsegError):
        write(tmp_path / "net", **fields)
    assert not (tmp_path / "net").exists()


def test_a_write_that_is_cut_off_never_leaves_a_mixture_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "net")
    real = Path.replace

    def replace(source: Path, target: Path) -> None:
        if target.name == "model.yaml":
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(NightsegError, match="No space left"):
        write_bundle(
            tmp_path / "net",
            b"another network",
            name="net",
            kind="segmentation",
            route="day",
            height=272,
            width=480,
            labels=CITYSCAPES19,
        )
    with pytest.raises(NightsegError, match="sha256"):
        Bundle.load(tmp_path / "net")
    assert sorted(p.name for p in (tmp_path / "net").iterdir()) == [
        "README.md",
        "model.onnx",
        "model.yaml",
    ]


def test_bundles_are_found_by_their_yaml_in_order(tmp_path: Path) -> None:
    write(tmp_path / "b")
    write(tmp_path / "a")
    (tmp_path / "c").mkdir()
    (tmp_path / "README.md").write_text("models")
    assert find_bundles(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert find_bundles(tmp_path / "none") == []


def test_the_models_folder_can_be_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSEG_MODELS", str(tmp_path))
    assert default_models_dir() == tmp_path
    monkeypatch.delenv("NIGHTSEG_MODELS")
    assert default_models_dir().name == "models"
