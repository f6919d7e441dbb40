# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg <verb>`: finds the verb, prints its result as text or JSON, and errors as one line.

Each verb is a module of this package with three functions:

    add_arguments(parser)      its options, and sub-verbs where it has them
    run(args) -> dict          does the work; "exit_code" in the dict becomes the exit status
    render(result) -> str      the dict as text for people

The table below is all that is loaded before the verb is known, so `nightseg --help` needs neither
ROS nor torch and answers at once.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from nightseg_ros import __version__
from nightseg_ros.cli.plain import to_json
from nightseg_ros.errors import NightsegError

VERBS: dict[str, dict[str, tuple[str, str]]] = {
    "Run": {
        "run": ("nightseg_ros.cli.run", "start the segmentation and overlay nodes"),
        "segment": ("nightseg_ros.cli.segment", "segment images, folders and videos; no ROS"),
        "demo": ("nightseg_ros.cli.demo", "drive through the night on a real ROS graph, report"),
        "doctor": ("nightseg_ros.cli.doctor", "check ROS, transport, engines, GPU and models"),
    },
    "Models": {
        "models": ("nightseg_ros.cli.models", "list model folders and verify them"),
        "export": ("nightseg_ros.cli.export", "turn a trained checkpoint into a model folder"),
        "build-engine": ("nightseg_ros.cli.build_engine", "build a model's engine for this GPU"),
        "engines": ("nightseg_ros.cli.engines", "list the engines that were built, clear them out"),
        "fit-routing": (
            "nightseg_ros.cli.fit_routing",
            "measure the routes in every light and write what route auto goes by",
        ),
        "card": ("nightseg_ros.cli.card", "measure a model on all validation sets, write its card"),
    },
    "Data and training": {
        "data": ("nightseg_ros.cli.data", "say what a data set holds and what is wrong with it"),
        "label": ("nightseg_ros.cli.label", "label unlabelled images with a teacher model"),
        "train": ("nightseg_ros.cli.train", "train one recipe from config/recipes"),
        "translate": ("nightseg_ros.cli.translate", "turn images into night or day"),
        "darken": ("nightseg_ros.cli.darken", "make night frames of day frames, by a curve"),
    },
    "Evaluate": {
        "evaluate": ("nightseg_ros.cli.evaluate", "run models over a labelled set and score them"),
        "replay": (
            "nightseg_ros.cli.replay",
            "run the pipeline over a recorded drive and sum it up",
        ),
        "view": ("nightseg_ros.cli.view", "show a recording and its masks in the Rerun viewer"),
        "score": ("nightseg_ros.cli.score", "compare masks with ground truth"),
        "drive": ("nightseg_ros.cli.drive", "make a drive with exact ground truth"),
        "bench": ("nightseg_ros.cli.bench", "measure the node and its engines"),
        "faults": ("nightseg_ros.cli.faults", "do everything to a node that a bad hour may bring"),
        "soak": ("nightseg_ros.cli.soak", "play a drive for hours and see whether anything grows"),
        "fid": ("nightseg_ros.cli.fid", "measure how far two folders of images are apart"),
        "table": ("nightseg_ros.cli.table", "print published figures beside ours"),
    },
}

MAX_IMAGE_PIXELS = 1 << 28
"""A file that claims more is refused before it is decoded."""
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

# Which extra brings a package that a verb may miss.
EXTRAS = {
    "train": ("torch", "lightning", "onnx", "onnxscript", "tensorboard", "matplotlib"),
    "ros": (
        "rclpy",
        "sensor_msgs",
        "std_msgs",
        "diagnostic_msgs",
        "lifecycle_msgs",
        "rcl_interfaces",
    ),
    "replay": ("rosbags",),
    "openvino": ("openvino",),
    "quantise": ("nncf",),
}


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line; its sub-parsers are of the same class."""

    def error(self, message: str) -> NoReturn:
        """Print what was wrong in one line and leave with exit code 2."""
        self.exit(EXIT_ERROR, f"{self.prog}: error: {message}; see `{self.prog} --help`\n")


def modules() -> dict[str, tuple[str, str]]:
    """Return verb -> (module, summary) over all groups."""
    return {verb: entry for group in VERBS.values() for verb, entry in group.items()}


def top_parser() -> Parser:
    """Return the parser of what stands before the verb; it knows the verbs by name only."""
    lines = []
    for group, verbs in VERBS.items():
        lines.append(f"{group}:")
        lines += [f"  {verb:<12} {summary}" for verb, (_, summary) in verbs.items()]
        lines.append("")
    parser = Parser(
        prog="nightseg",
        usage="nightseg [--help] [--version] VERB ...",
        description="Semantic segmentation for cameras that must also see at night.",
        epilog="\n".join(
            [
                *lines,
                "`nightseg VERB --help` tells the options of a verb. Every verb takes --json.",
                "NIGHTSEG_DEBUG=1 shows the traceback of an error.",
            ]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nightseg_ros {__version__}")
    return parser


def verb_parser(verb: str, module: ModuleType, summary: str) -> Parser:
    """Return the complete parser of one verb."""
    parser = Parser(prog=f"nightseg {verb}", description=summary[0].upper() + summary[1:] + ".")
    module.add_arguments(parser)
    _add_json(parser)
    return parser


def _add_json(parser: argparse.ArgumentParser) -> None:
    """Let --json stand behind the verb and behind each of its sub-verbs."""
    for action in list(parser._actions):
        if isinstance(action, argparse._SubParsersAction):
            for child in set(action.choices.values()):
                _add_json(child)
    if "--json" not in parser._option_string_actions:
        # Without SUPPRESS the default of a sub-verb would undo `nightseg bench --json node`.
        parser.add_argument(
            "--json",
            action="store_true",
            default=argparse.SUPPRESS,
            help="print the result as JSON",
        )


def dispatch(argv: Sequence[str]) -> int:
    """Run the verb that argv names and return its exit code; errors are raised."""
    if not argv or argv[0].startswith("-"):
        top_parser().parse_args(argv)  # leaves after --help, --version or an unknown option
        top_parser().print_help(sys.stderr)
        return EXIT_ERROR
    verb, table = argv[0], modules()
    if verb not in table:
        near = difflib.get_close_matches(verb, table, n=1)
        hint = f"did you mean `nightseg {near[0]}`? " if near else ""
        raise NightsegError(f"unknown verb '{verb}'; {hint}`nightseg --help` lists the verbs")
    name, summary = table[verb]
    # OpenCV reads it once, when it is loaded.
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_IMAGE_PIXELS))
    module = importlib.import_module(name)
    args = verb_parser(verb, module, summary).parse_args(argv[1:])
    result: dict[str, object] = module.run(args)
    text = to_json(result) if getattr(args, "json", False) else module.render(result)
    if text:
        print(text)
    sys.stdout.flush()
    code = result.get("exit_code", 0)
    return code if isinstance(code, int) else EXIT_ERROR


def explain(error: Exception) -> str:
    """Return an error as one line: what was wrong and, where we know it, the remedy."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        for extra, packages in EXTRAS.items():
            if package in packages:
                sourced = "source the setup.bash of your ROS 2, or " if extra == "ros" else ""
                return (
                    f"the Python package '{package}' is missing; "
                    f"{sourced}pip install '.[{extra}]' in the folder of nightseg_ros"
                )
    if isinstance(error, NightsegError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        where = f": '{error.filename}'" if error.filename is not None else ""
        return f"{error.strerror}{where}"
    what = " ".join(str(error).split())
    return (
        f"unexpected {type(error).__name__}{': ' if what else ''}{what}; "
        "run again with NIGHTSEG_DEBUG=1 for the traceback"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run `nightseg` and return its exit code."""
    try:
        return dispatch(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        print("nightseg: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # `nightseg models | head`: not worth a word
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except Exception as error:
        if os.environ.get("NIGHTSEG_DEBUG"):
            traceback.print_exc()
        print(f"nightseg: error: {explain(error)}", file=sys.stderr)
        return EXIT_ERROR


if __name__ == "__main__":
    sys.exit(main())
