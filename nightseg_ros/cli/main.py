# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg <verb>`: finds the verb, prints its result as text or JSON, and errors as one line.

Each verb is a module of this package with

    Options                    a frozen dataclass, made of options/fields.py
    run(options) -> dict       does the work; "exit_code" in the dict becomes the exit status
    render(result) -> str      the dict as text for people
    ABOUT, NOTES               its description, and what stands below its options; where wanted

and an entry in the table of verbs.py, which is all that is loaded before the verb is known:
`nightseg --help` needs neither ROS nor torch and answers immediately; what only a verb or an error
needs is imported there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from nightseg_ros.cli.interrupts import EXIT_INTERRUPTED, interrupted, raise_interrupts
from nightseg_ros.cli.options.fields import folders_to_fill
from nightseg_ros.cli.parsers import EXIT_ERROR, parse, top_parser
from nightseg_ros.cli.verbs import all_verbs
from nightseg_ros.errors import NightsegError

MAX_IMAGE_PIXELS = 1 << 28
"""A file that claims more is refused before it is decoded."""
EXIT_BROKEN_PIPE = 141

# Which extra brings a package that a verb may miss.
EXTRAS = {
    "train": ("torch", "lightning", "onnxscript", "tensorboard", "matplotlib"),
    "export": ("onnx",),
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


def dispatch(argv: Sequence[str]) -> int:
    """Run the verb that argv names and return its exit code; errors are raised."""
    if not argv or argv[0].startswith("-"):
        top_parser().parse_args(argv)  # leaves after --help, --version or an unknown option
        top_parser().print_help(sys.stderr)
        return EXIT_ERROR
    name, table = argv[0], all_verbs()
    if name not in table:
        import difflib

        near = difflib.get_close_matches(name, table, n=1)
        hint = f"did you mean `nightseg {near[0]}`? " if near else ""
        raise NightsegError(f"unknown verb '{name}'; {hint}`nightseg --help` lists the verbs")
    # OpenCV reads it once, when it is loaded.
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_IMAGE_PIXELS))
    call = parse(argv)
    from nightseg_ros.files.json_file import to_json
    from nightseg_ros.files.sole_writer import sole_folder_writer

    raise_interrupts()
    with ExitStack() as stack:
        for folder in folders_to_fill(call.options):
            stack.enter_context(sole_folder_writer(folder))
        result: dict[str, object] = call.module.run(call.options)
    text = to_json(result) if call.json else call.module.render(result)
    if text:
        print(text)
    sys.stdout.flush()
    code = result.get("exit_code", 0)
    return code if isinstance(code, int) else EXIT_ERROR


def explain(error: Exception) -> str:
    """Return an error as one line: what was wrong and, where we know it, the remedy."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        extra = next((f"[{name}]" for name, names in EXTRAS.items() if package in names), "")
        sourced = "source the setup.bash of your ROS 2, or " if extra == "[ros]" else ""
        return (
            f"the Python package '{package}' is missing; "
            f"{sourced}pip install '.{extra}' in the folder of nightseg_ros"
        )
    if isinstance(error, NightsegError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        where = f": '{error.filename}'" if error.filename is not None else ""
        return f"{error.strerror}{where}"
    from nightseg_ros.ros.transport import security_remedy

    if remedy := security_remedy(str(error)):
        return remedy
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
        return _interrupted()
    except BrokenPipeError:  # `nightseg models | head`: no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except Exception as error:
        if os.environ.get("NIGHTSEG_DEBUG"):
            import traceback

            traceback.print_exc()
        if interrupted():
            return _interrupted()
        print(f"nightseg: error: {explain(error)}", file=sys.stderr)
        return EXIT_ERROR


def _interrupted() -> int:
    print("nightseg: interrupted", file=sys.stderr)
    return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
