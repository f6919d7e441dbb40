# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of the verbs: all that `nightseg --help` needs, without loading any of them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from keyword import iskeyword
from types import ModuleType


@dataclass(frozen=True)
class Verb:
    """What a module of the same name does; or several modules, the parts of the verb."""

    summary: str
    example: str = ""
    """A whole command line, without `nightseg`."""
    parts: Mapping[str, Verb] = field(default_factory=dict)


VERBS: dict[str, dict[str, Verb]] = {
    "Drive the node": {
        "run": Verb(
            "start the segmentation and overlay nodes",
            "run --camera-topic /camera/image_raw --set route=auto --overlay",
        ),
        "status": Verb("print what the running nodes report", "status --seconds 5"),
        "doctor": Verb("check ROS, transport, engines, GPU and models", "doctor"),
        "demo": Verb("drive through the night on a real ROS graph, report", "demo --bag my_drive"),
    },
    "Look at recordings": {
        "segment": Verb(
            "segment images, folders and videos; no ROS", "segment drive.mp4 --out masks --overlay"
        ),
        "replay": Verb(
            "run the pipeline over a recorded drive and sum it up",
            "replay my_drive --out replay_out --route all",
        ),
        "view": Verb(
            "show a recording and its masks in the Rerun viewer", "view my_drive --route night"
        ),
        "drive": Verb(
            "make a drive with exact ground truth", "drive --out drive.mcap --frames 100"
        ),
    },
    "Models and engines": {
        "models": Verb("list model folders and verify them", "models --run"),
        "export": Verb(
            "turn a trained checkpoint into a model folder",
            "export runs/day/model.pt --out models/my_day",
        ),
        "import": Verb(
            "turn any segmentation network in ONNX into a model folder",
            "import net.onnx --out models/net --labels cityscapes19 --normalise imagenet "
            "--route day",
        ),
        "build-engine": Verb(
            "build a model's engine for this GPU", "build-engine erf_pspnet_day --precision fp16"
        ),
        "engines": Verb(
            "list the engines that were built, remove them",
            parts={
                "list": Verb("list every engine and whether it is of use here", "engines list"),
                "clean": Verb("remove engines", "engines clean --stale"),
            },
        ),
        "fit-routing": Verb(
            "measure the routes in every light and write the policy of route auto",
            "fit-routing --data nightseg:/data:bdd_labelled/val --out routing_out",
        ),
        "calibrate": Verb(
            "make the confidence of a model the probability that a pixel is right",
            "calibrate erf_pspnet_night --data nightseg:/data:bdd_labelled/val",
        ),
        "card": Verb(
            "measure a model on all validation sets, write its card",
            "card erf_pspnet_day --data /data",
        ),
    },
    "Train": {
        "data": Verb(
            "check a data set, split it into day and night, select from it",
            parts={
                "check": Verb(
                    "read every file, print what is there and what is wrong",
                    "data check nightseg:/data:bdd_labelled/val --sheet sheet.jpg",
                ),
                "split": Verb(
                    "split into day, dusk and night by histogram, and count the errors",
                    "data split /data/my_images --out by_light",
                ),
                "select": Verb(
                    "select the images of a pool that are nearest to a training domain",
                    "data select --images folder:pool --reference folder:night --out chosen",
                ),
            },
        ),
        "label": Verb(
            "label unlabelled images with a teacher model",
            "label --checkpoint runs/day/model.pt --images folder:pool --out labelled",
        ),
        "train": Verb(
            "train one recipe from config/recipes",
            "train config/recipes/erf_pspnet_day.yaml --data /data",
        ),
        "study": Verb(
            "run a study from config/studies, print its tables beside a paper's",
            parts={
                "run": Verb(
                    "train and measure what is missing of a study",
                    "study run thesis --data /data --jobs 2",
                ),
                "table": Verb("print published figures beside ours", "study table thesis"),
            },
        ),
        "translate": Verb(
            "turn images into night or day",
            "translate --checkpoint runs/cyclegan/day2night.pt --images folder:day --out night",
        ),
        "darken": Verb(
            "make night frames of day frames, by a curve",
            "darken folder:day --method gamma --exposure 0.1 --out night",
        ),
    },
    "Check": {
        "evaluate": Verb(
            "run models over a labelled set and score them",
            "evaluate --data nightseg:/data:bdd_labelled/val@night --model erf_pspnet_night",
        ),
        "score": Verb("compare masks with ground truth", "score --pred masks --gt labels"),
        "bench": Verb(
            "measure the node and its engines",
            parts={
                "node": Verb(
                    "overhead, latency, age and drops of the node",
                    "bench node --seconds 10 --camera-hz 30",
                ),
                "systems": Verb(
                    "our node beside two of the usual kind, with the same network",
                    "bench systems --bag my_drive --out systems",
                ),
                "start": Verb(
                    "cold starts of the node, until it is configured", "bench start --runs 3"
                ),
                "replay": Verb(
                    "engine share and memory of a long replay", "bench replay --minutes 1"
                ),
                "points": Verb(
                    "error and time of ~/points on a rendered street", "bench points --frames 9"
                ),
                "health": Verb(
                    "faults of a camera that are found, and false alarms",
                    "bench health --data unlabelled:/data/pool_night",
                ),
                "weather": Verb(
                    "what fog, rain and snow cost, and whether strange frames are found",
                    "bench weather --model fpn_lite0 --data nightseg:/data:bdd_labelled/val@day",
                ),
                "stabilise": Verb(
                    "flicker, mean IoU and time with and without masks that hold still",
                    "bench stabilise --model fpn_lite0",
                ),
                "engines": Verb(
                    "speed and memory of every engine and model",
                    "bench engines --models erf_pspnet_day --sizes 480x272",
                ),
            },
        ),
        "faults": Verb("inject faults into a running node and judge it", "faults --short"),
        "soak": Verb("play a drive for hours and see whether anything grows", "soak --hours 1"),
        "fid": Verb("measure how far two folders of images are apart", "fid translated night"),
        "translators": Verb(
            "measure whether translating night frames to day is worth its time",
            "translators --data /data --save translators.csv",
        ),
    },
}
EXAMPLES = ("run", "segment", "models", "train", "evaluate")
"""The verbs whose examples `nightseg --help` shows, one of each group."""


def all_verbs() -> dict[str, Verb]:
    """Return the verbs of all groups by name."""
    return {name: verb for group in VERBS.values() for name, verb in group.items()}


def load(name: str) -> ModuleType:
    """Import the module of a verb, or of a part as in "bench node"."""
    return importlib.import_module(f"nightseg_ros.cli.{module_name(name)}")


def module_name(name: str) -> str:
    """Return the name of a verb as that of its module.

    >>> module_name("bench node"), module_name("build-engine"), module_name("import")
    ('bench_node', 'build_engine', 'import_')
    """
    module = name.replace(" ", "_").replace("-", "_")
    return f"{module}_" if iskeyword(module) else module
