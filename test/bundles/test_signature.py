# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Signed bundles: only what the owner of the key signed runs; a refusal gives the reason."""

from __future__ import annotations

import os
import sys

import pytest
from support import verbs
from support.models import models_folder, segmenter

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.bundles.choice import choose_bundles
from nightseg_ros.bundles.signature import MAX_BYTES
from nightseg_ros.cli import models as verb
from nightseg_ros.errors import NightsegError

minisign = pytest.importorskip("minisign", reason="py-minisign: pip install '.[sign]'")

PAIR, OTHER = minisign.KeyPair.generate(), minisign.KeyPair.generate()
KEY = PAIR.public_key.to_base64().decode()


def sign(folder, pair=PAIR, *, prehash=True):
    file = folder / "model.yaml"
    signed = pair.secret_key.sign(file.read_bytes(), prehash=prehash, untrusted_comment="c")
    (folder / "model.yaml.minisig").write_bytes(bytes(signed) + b"\n")


@pytest.mark.parametrize("prehash", [True, False])
def test_signed_bundle_is_loaded(tmp_path, prehash):
    made = segmenter(tmp_path / "net")
    sign(tmp_path / "net", prehash=prehash)
    assert Bundle.load(tmp_path / "net", public_key=KEY) == made
    assert Bundle.load(tmp_path / "net") == made


def test_unsigned_bundle_is_refused(tmp_path):
    segmenter(tmp_path / "net")
    with pytest.raises(NightsegError, match=r"model\.yaml is not signed: .*model\.yaml\.minisig"):
        Bundle.load(tmp_path / "net", public_key=KEY)


@pytest.mark.parametrize("what", ["yaml", "network", "other key", "comment", "garbage", "long"])
def test_what_is_not_as_it_was_signed_is_refused(tmp_path, what):
    folder = tmp_path / "net"
    segmenter(folder)
    sign(folder, OTHER if what == "other key" else PAIR)
    signature = folder / "model.yaml.minisig"
    file = folder / "model.yaml"
    if what == "yaml":
        file.write_text(file.read_text().replace("name: road", "name: none"))
    elif what == "network":
        (folder / "model.onnx").write_bytes(b"another network")
    elif what == "comment":
        signature.write_bytes(signature.read_bytes().replace(b"trusted comment: ", b"x", 2))
    elif what == "garbage":
        signature.write_bytes(b"\xff\n" * 4)
    elif what == "long":
        signature.write_bytes(b"untrusted comment: " + b"x" * MAX_BYTES + signature.read_bytes())
    words = "sha256" if what == "network" else f"match the signature for public key {KEY[:12]}"
    with pytest.raises(NightsegError, match=words.replace("+", r"\+")) as caught:
        Bundle.load(folder, public_key=KEY)
    assert "\n" not in str(caught.value)


def test_new_model_under_an_old_signature_is_refused(tmp_path):
    segmenter(tmp_path / "net")
    sign(tmp_path / "net")
    segmenter(tmp_path / "net", seed=9)
    with pytest.raises(NightsegError, match="does not match the signature"):
        Bundle.load(tmp_path / "net", public_key=KEY)


@pytest.mark.timeout(20)
def test_signature_that_may_never_end_is_not_opened(tmp_path):
    folder = tmp_path / "net"
    segmenter(folder)
    os.mkfifo(folder / "model.yaml.minisig")
    with pytest.raises(NightsegError, match=r"model\.yaml\.minisig is a named pipe"):
        Bundle.load(folder, public_key=KEY)


@pytest.mark.parametrize(
    "key",
    ["RWQ", "not base64 at all", "é", "A" * 56, KEY[:-2]],
    ids=["short", "words", "accent", "long", "cut"],
)
def test_key_that_is_none_is_reported(tmp_path, key):
    segmenter(tmp_path / "net")
    sign(tmp_path / "net")
    with pytest.raises(NightsegError, match="is not a minisign key"):
        Bundle.load(tmp_path / "net", public_key=key)


def test_missing_library_is_reported_and_never_means_trust(tmp_path, monkeypatch):
    segmenter(tmp_path / "net")
    sign(tmp_path / "net")
    monkeypatch.setitem(sys.modules, "minisign", None)
    with pytest.raises(NightsegError, match=r"pip install '\.\[sign\]'"):
        Bundle.load(tmp_path / "net", public_key=KEY)


def test_only_signed_models_are_chosen(tmp_path):
    models_folder(tmp_path)
    sign(tmp_path / "tiny_night")
    assert set(choose_bundles(tmp_path, public_key=KEY)) == {"night"}
    with pytest.raises(NightsegError, match=r"no usable 'day' model.*not signed"):
        choose_bundles(tmp_path, roles=("day",), public_key=KEY)


def test_the_verb_reports_which_are_signed(tmp_path):
    models_folder(tmp_path)
    sign(tmp_path / "tiny_night")
    result = verbs.run("models", "--dir", tmp_path, "--public-key", KEY)
    assert result["exit_code"] == 2
    shown = verb.render(result)
    assert shown.count("is not signed") == 2
    assert [row["problem"] for row in result["models"] if row["name"] == "tiny_night"] == [""]


def test_the_node_takes_signed_models_only(tmp_path):
    from nightseg_ros.ros.models import load_models
    from nightseg_ros.ros.settings import Settings

    models_folder(tmp_path)
    sign(tmp_path / "tiny_day")
    asked = {"models_dir": str(tmp_path), "engine": "fake", "public_key": KEY}
    with pytest.raises(NightsegError, match=r"'night' model.*not signed"):
        load_models(Settings(**asked))
    models = load_models(Settings(**asked, allow_fallback=True))
    assert set(models.bundles) == {"day"}
    assert any("is not signed" in text for text in models.fallbacks)
    models.close()
