# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""pip and colcon lay the package out as their users expect."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest

import nightseg_ros

EXECUTABLES = {"nightseg", "segmentation_node", "overlay_node"}
SHARED = ("launch", "config", "models")
MODELS = "from nightseg_ros.bundle import default_models_dir; print(default_models_dir())"
MARKER = "share/ament_index/resource_index/packages/nightseg_ros"


def run(*command: str | Path, cwd: Path, **env: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def source(tmp_path: Path, repository: Path) -> Path:
    """Return a copy of the package, so that no build folder appears in the repository."""
    copy = tmp_path / "ws" / "src" / "nightseg_ros"
    copy.mkdir(parents=True)
    for name in ("setup.py", "pyproject.toml", "package.xml", "README.md", "LICENSE"):
        shutil.copy(repository / name, copy)
    for name in ("nightseg_ros", *SHARED):
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(repository / name, copy / name, ignore=skip)
    return copy


def shared_files(source: Path) -> set[str]:
    """Return what must lie under share/nightseg_ros."""
    files = {
        str(file.relative_to(source))
        for folder in SHARED
        for file in (source / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert any(file.startswith("launch/") for file in files)
    assert any(file.startswith("config/recipes/") for file in files)
    assert any(file.startswith("models/") and file.endswith("/model.yaml") for file in files)
    return files | {"package.xml"}


def installed(share: Path) -> set[str]:
    return {
        str(file.relative_to(share))
        for file in share.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_version_and_licence_agree(repository: Path):
    manifest = ET.parse(repository / "package.xml").getroot()
    assert manifest.get("format") == "3"
    assert manifest.findtext("name") == "nightseg_ros"
    assert manifest.findtext("version") == nightseg_ros.__version__
    assert manifest.findtext("license") == "Apache-2.0"
    assert manifest.findtext("export/build_type") == "ament_python"
    assert "Apache License" in (repository / "LICENSE").read_text(encoding="utf-8")
    changes = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {nightseg_ros.__version__}" in changes


def test_every_file_says_its_licence(repository: Path):
    head = (
        "# Copyright 2026 the nightseg_ros authors\n# SPDX-License-Identifier: Apache-2.0\n",
        "#!/usr/bin/env python3\n# Copyright 2026 the nightseg_ros authors\n",
    )
    files = [
        file
        for folder in ("nightseg_ros", "launch", "config", "test")
        for file in (repository / folder).rglob("*.py")
    ]
    assert len(files) > 50
    bare = [str(f) for f in files if not f.read_text(encoding="utf-8").startswith(head)]
    assert bare == []


def test_runtime_needs_neither_torch_nor_ros(repository: Path):
    """Only learning/ and export/ import torch, only ros/ imports rclpy."""
    package = repository / "nightseg_ros"
    for file in package.rglob("*.py"):
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        part = file.relative_to(package).parts[0]
        for module, homes in (("torch", ("learning", "export")), ("rclpy", ("ros",))):
            imports = [
                line
                for line in lines
                if line.startswith((f"import {module}", f"from {module}")) and part not in homes
            ]
            assert imports == [], f"{file} imports {module}"


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("setuptools") is None, reason="no setuptools")
def test_pip_install(source: Path, tmp_path: Path):
    pip = (sys.executable, "-m", "pip", "--quiet")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, ".", cwd=source)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "nightseg_ros/py.typed" in names
    assert not any(name.startswith(("test/", "launch/")) for name in names)

    # A plain virtual environment that borrows the dependencies from this one.
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=tmp_path)
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    python = venv / "bin" / "python"
    before = {file.name for file in python.parent.iterdir()}
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    assert {file.name for file in python.parent.iterdir()} - before == EXECUTABLES
    assert (venv / MARKER).is_file()
    assert installed(venv / "share" / "nightseg_ros") == shared_files(source)

    told = run(venv / "bin" / "nightseg", "--version", cwd=tmp_path)
    assert told == f"nightseg_ros {nightseg_ros.__version__}\n"
    models = run(python, "-c", MODELS, cwd=tmp_path, NIGHTSEG_MODELS="", AMENT_PREFIX_PATH="")
    assert Path(models.strip()) == venv / "share/nightseg_ros/models"


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("colcon_ros") is None, reason="no colcon")
@pytest.mark.parametrize("symlink", [False, True], ids=["copy", "symlink"])
def test_colcon_build(source: Path, tmp_path: Path, symlink: bool):
    workspace = tmp_path / "ws"
    option = ["--symlink-install"] if symlink else []
    run(sys.executable, "-m", "colcon", "build", *option, cwd=workspace)
    prefix = workspace / "install" / "nightseg_ros"
    assert {file.name for file in (prefix / "lib/nightseg_ros").iterdir()} == EXECUTABLES
    assert (prefix / MARKER).is_file()
    share = prefix / "share" / "nightseg_ros"
    assert installed(share) >= shared_files(source)
    assert (share / "package.xml").is_symlink() == symlink
    assert (share / "package.xml").resolve().is_relative_to(source) == symlink

    # What `ros2 run nightseg_ros nightseg` would start, in a shell that sourced the workspace.
    told = run(
        *("sh", "-c", '. install/local_setup.sh && "$0" --version'),
        prefix / "lib/nightseg_ros/nightseg",
        cwd=workspace,
        COLCON_CURRENT_PREFIX=str(workspace / "install"),
    )
    assert told == f"nightseg_ros {nightseg_ros.__version__}\n"
    folder = run(
        *("sh", "-c", '. install/local_setup.sh && "$0" -c "$1"', sys.executable, MODELS),
        cwd=workspace,
        COLCON_CURRENT_PREFIX=str(workspace / "install"),
        NIGHTSEG_MODELS="",
    )
    assert Path(folder.strip()).resolve() in {
        (share / "models").resolve(),
        (source / "models").resolve(),
    }
