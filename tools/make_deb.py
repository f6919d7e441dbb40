# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the .deb of a clean checkout with bloom, as the ROS build farm does, but offline.

bloom asks rosdep and rosdistro which Debian package a dependency is. Here both read files that are
written from package.xml: ROS packages are released under their own name, python3-* are Debian's.
Needs git, dpkg-dev, debhelper, dh-python and python3-all.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import venv
import xml.etree.ElementTree as Xml
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BLOOM = ("bloom==0.14.4", "setuptools<80")
TOOLS = ("git", "fakeroot", "dpkg-buildpackage", "dh", "dh_python3")


def main() -> int:
    """Build it; the last line is the path of the .deb."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "build" / "deb")
    parser.add_argument("--distro", default="kilted", help="ROS distribution (default: kilted)")
    options = parser.parse_args()
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        print(
            f"make_deb: {', '.join(missing)} not found: sudo apt install git fakeroot dpkg-dev "
            "debhelper dh-python python3-all",
            file=sys.stderr,
        )
        return 1
    out = options.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    source = checkout(out / "source")
    env = indices(out / "index", source / "package.xml", options.distro)
    bloom = install_bloom(out / "bloom")
    run([bloom / "rosdep", "update", "--rosdistro", options.distro], source, env)
    name, version = system()
    command = [bloom / "bloom-generate", "rosdebian", "--ros-distro", options.distro]
    run([*command, "--os-name", name, "--os-version", version], source, env)
    # -d: the ROS packages that it depends on need not be installed to build it.
    run(["dpkg-buildpackage", "-b", "-us", "-uc", "-d"], source, env)
    print(next(out.glob("*.deb")))
    return 0


def checkout(folder: Path) -> Path:
    """Return a folder with the committed files of HEAD, the changelog released."""
    folder.mkdir(parents=True)
    archive = subprocess.run(
        ["git", "archive", "HEAD"], cwd=REPOSITORY, check=True, stdout=subprocess.PIPE
    )
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    version = Xml.parse(folder / "package.xml").findtext("version")
    changelog = folder / "CHANGELOG.rst"
    text = changelog.read_text(encoding="utf-8")
    head = f"{version} (2026-01-01)"  # catkin_prepare_release writes the real date
    text = text.replace("Forthcoming\n-----------", f"{head}\n{'-' * len(head)}")
    changelog.write_text(text, encoding="utf-8")
    return folder


def indices(folder: Path, manifest: Path, distro: str) -> dict[str, str]:
    """Write what rosdep and rosdistro read; return the environment that points there."""
    folder.mkdir(parents=True)
    keys = sorted({x.text or "" for x in Xml.parse(manifest).iter() if x.tag.endswith("_depend")})
    system_keys = [key for key in keys if key.startswith("python3-")]
    packages = [key for key in keys if key not in system_keys]
    name, version = system()
    write(folder / "base.yaml", [f"{key}: {{{name}: [{key}]}}" for key in system_keys])
    write(folder / "sources" / "10.list", [f"yaml file://{folder}/base.yaml"])
    write(
        folder / "index.yaml",
        [
            "%YAML 1.1",
            "---",
            "type: index",
            "version: 4",
            "distributions:",
            f"  {distro}:",
            f"    distribution: [{distro}.yaml]",
            "    distribution_status: active",
            "    distribution_type: ros2",
            "    python_version: 3",
        ],
    )
    released = (
        f"  {key}: {{release: {{tags: {{release: '{{package}}'}}, url: 'file:///{key}', "
        "version: 1.0.0-1}}"
        for key in packages
    )
    write(
        folder / f"{distro}.yaml",
        [
            "%YAML 1.1",
            "---",
            "type: distribution",
            "version: 2",
            f"release_platforms: {{{name}: [{version}]}}",
            "repositories:",
            *released,
        ],
    )
    return {
        **os.environ,
        "ROSDISTRO_INDEX_URL": f"file://{folder}/index.yaml",
        "ROSDEP_SOURCE_PATH": str(folder / "sources"),
        "ROS_HOME": str(folder / "home"),
        "ROS_PYTHON_VERSION": "3",
        "ROS_DISTRO": distro,
    }


def install_bloom(folder: Path) -> Path:
    """Return the folder of bloom's commands, installed from PyPI."""
    venv.create(folder, with_pip=True)
    run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *BLOOM], folder, None)
    return folder / "bin"


def system() -> tuple[str, str]:
    """Return name and code name of this Debian or Ubuntu."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    release = dict(line.split("=", 1) for line in lines if "=" in line)
    return release["ID"].strip('"'), release["VERSION_CODENAME"].strip('"')


def write(file: Path, lines: list[str]) -> None:
    """Write lines into a file, and make its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(command: list[str | Path], folder: Path, env: dict[str, str] | None) -> None:
    """Run a command and show it; end with its exit code where it fails."""
    print("+", *command, flush=True)
    done = subprocess.run([str(part) for part in command], cwd=folder, env=env)
    if done.returncode:
        raise SystemExit(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
