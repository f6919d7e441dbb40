# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Nothing that is read can run code: no pickle, weights only, plain YAML, no shell."""

from __future__ import annotations

import ast
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
FILES = [
    *sorted((REPOSITORY / "nightseg_ros").rglob("*.py")),
    *sorted((REPOSITORY / "launch").glob("*.py")),
    REPOSITORY / "setup.py",
]
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal"}
UNSAFE_MODULES |= {"shelve", "tarfile", "telnetlib", "xmlrpc"}
UNSAFE_CALLS = {"eval", "exec", "os.system", "os.popen"}
UNSAFE_CALLS |= {"torch.jit.load", "torch.package.PackageImporter"}


def faults(source: str) -> Iterator[str]:
    """Yield what a Python source does that could run what it reads."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            names = []
        yield from (f"imports {n}" for n in names if n.partition(".")[0] in UNSAFE_MODULES)
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        given = {word.arg: ast.unparse(word.value) for word in node.keywords}
        if name in UNSAFE_CALLS or name.endswith((".extractall", ".load_from_checkpoint")):
            yield f"calls {name}"
        if name.endswith("torch.load") and given.get("weights_only") != "True":
            yield "torch.load without weights_only=True"
        if "ckpt_path" in given and given.get("weights_only") != "True":
            yield f"{name} goes on from a checkpoint without weights_only=True"
        if name.startswith("yaml.") and "load" in name:
            yield f"{name}, where plain_yaml bounds size, depth and time"
        if name.endswith("np.load") and "allow_pickle" not in given:
            yield "np.load without allow_pickle=False"
        if any(given.get(word, "False") != "False" for word in ("shell", "allow_pickle")):
            yield f"{name} with shell or pickle"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_no_file_can_run_what_it_reads(file):
    assert list(faults(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(p)",
        "torch.load(p, weights_only=False)",
        "trainer.fit(m, ckpt_path=p)",
        "Module.load_from_checkpoint(p)",
        "yaml.load(t, Loader=yaml.Loader)",
        "yaml.safe_load(t)",
        "np.load(p)",
        "np.load(p, allow_pickle=True)",
        "run(c, shell=True)",
        "eval(t)",
        "z.extractall()",
    ],
)
def test_what_could_is_seen(source):
    assert list(faults(source))


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_an_image_file_that_claims_gigapixels_is_refused_before_it_is_decoded(tmp_path):
    (tmp_path / "bomb.png").write_bytes(_png(20_000, 20_000))
    words = ["segment", str(tmp_path / "bomb.png"), "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "nightseg_ros.cli.main", *words, "--engine", "fake"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert "cannot decode" in done.stdout + done.stderr
    assert "MAX_IMAGE_PIXELS" in done.stdout + done.stderr
