# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""pip and colcon lay the package out as their users expect."""

from __future__ import annotations

import importlib.util
import os
import re
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
MODELS = (
    "from nightseg_ros.bundles.models_folder import default_models_dir; print(default_models_dir())"
)
REPORT = "from nightseg_ros.report.page import Report, page; print(page(Report('A drive')))"
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
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "package.xml", "README.md", "LICENSE"):
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
    licences = {element.text: element.get("file") for element in manifest.iterfind("license")}
    assert licences == {
        "Apache-2.0": "LICENSE",
        "LicenseRef-research-only-weights": "models/LICENSE",
    }
    for name, file in licences.items():
        assert (repository / file).is_file(), name
    assert manifest.find("url") is not None
    assert manifest.findtext("export/build_type") == "ament_python"
    assert "Apache License" in (repository / "LICENSE").read_text(encoding="utf-8")


def test_bloom_reads_the_changelog(repository: Path):
    changelog = pytest.importorskip("catkin_pkg.changelog", reason="catkin_pkg is not installed")
    text = (repository / "CHANGELOG.rst").read_text(encoding="utf-8")
    released = text.replace("Forthcoming\n-----------", "9.9.9 (2099-12-31)\n------------------")
    found = changelog.populate_changelog_from_rst(changelog.Changelog("nightseg_ros"), released)
    changes = {version: text for version, _, text in found.foreach_version()}
    assert changes.keys() & {"9.9.9", nightseg_ros.__version__}
    assert all(changes.values())


def test_the_manifest_names_the_ros_packages_that_are_used(repository: Path):
    files = [*(repository / "nightseg_ros").rglob("*.py"), *(repository / "launch").glob("*.py")]
    imported = {
        name
        for file in files
        for name in re.findall(r"^\s*(?:from|import) (\w+)", file.read_text("utf-8"), re.MULTILINE)
    }
    ros = re.compile(r"rclpy|launch|launch_ros|\w+_(msgs|srvs|interfaces)")
    manifest = ET.parse(repository / "package.xml").getroot()
    declared = {element.text or "" for element in manifest.iterfind("exec_depend")}
    foreign = {name for name in declared if name.startswith("python3-")}
    # Started by the launch files, not imported.
    assert declared - foreign - {"rviz2", "ros2bag"} == set(filter(ros.fullmatch, imported))
    assert declared >= {"rviz2", "ros2bag"}


def test_bloom_needs_no_pip(repository: Path):
    """A key that rosdep resolves to pip cannot be a dependency of a Debian package."""
    manifest = ET.parse(repository / "package.xml").getroot()
    keys = [x.text or "" for x in manifest.iter() if x.tag.endswith("depend")]
    assert keys
    assert not [key for key in keys if key.endswith("-pip")]


def test_every_file_says_its_licence(repository: Path):
    head = (
        "# Copyright 2026 the nightseg_ros authors\n# SPDX-License-Identifier: Apache-2.0\n",
        "#!/usr/bin/env python3\n# Copyright 2026 the nightseg_ros authors\n",
    )
    files = [
        file
        for folder in ("nightseg_ros", "launch", "config", "doc", "test")
        for file in (repository / folder).rglob("*.py")
    ]
    assert len(files) > 50
    templates = [*(repository / "nightseg_ros/report/templates").iterdir()]
    assert len(templates) > 5
    assert all("SPDX-License-Identifier: Apache-2.0" in file.read_text() for file in templates)
    bare = [str(f) for f in files if not f.read_text(encoding="utf-8").startswith(head)]
    assert bare == []


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

    reported = run(venv / "bin" / "nightseg", "--version", cwd=tmp_path)
    assert reported == f"nightseg_ros {nightseg_ros.__version__}\n"
    elsewhere = {"NIGHTSEG_MODELS": "", "AMENT_PREFIX_PATH": "", "PYTHONPATH": ""}
    models = run(python, "-c", MODELS, cwd=tmp_path, **elsewhere)
    assert Path(models.strip()) == venv / "share/nightseg_ros/models"
    assert "<h1>A drive</h1>" in run(python, "-c", REPORT, cwd=tmp_path, **elsewhere)


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
    reported = run(
        *("sh", "-c", '. install/local_setup.sh && "$0" --version'),
        prefix / "lib/nightseg_ros/nightseg",
        cwd=workspace,
        COLCON_CURRENT_PREFIX=str(workspace / "install"),
    )
    assert reported == f"nightseg_ros {nightseg_ros.__version__}\n"

    def python(code: str) -> str:
        return run(
            *("sh", "-c", '. install/local_setup.sh && "$0" -c "$1"', sys.executable, code),
            cwd=workspace,
            COLCON_CURRENT_PREFIX=str(workspace / "install"),
            NIGHTSEG_MODELS="",
        )

    assert "<h1>A drive</h1>" in python(REPORT)
    folder = python(MODELS)
    assert Path(folder.strip()).resolve() in {
        (share / "models").resolve(),
        (source / "models").resolve(),
    }
