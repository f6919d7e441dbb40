# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg <verb>`: the table of verbs, --json, and errors in one line."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import nightseg_ros
from nightseg_ros.cli import main as cli
from nightseg_ros.cli.plain import to_json
from nightseg_ros.errors import NightsegError

VERBS = cli.modules()


@pytest.fixture
def verb(monkeypatch):
    """Install a made-up verb `try` whose run() is the function under test."""

    def install(run, add_arguments=lambda parser: None, render=lambda result: "as text"):
        module = SimpleNamespace(add_arguments=add_arguments, run=run, render=render)
        monkeypatch.setitem(cli.VERBS, "Test", {"try": ("test_made_up_verb", "a made-up verb")})
        monkeypatch.setitem(sys.modules, "test_made_up_verb", module)

    return install


def import_or_skip(target: str) -> ModuleType:
    """Import a verb; skip only for a package that an extra brings."""
    try:
        return importlib.import_module(target)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if not any(missing in packages for packages in cli.EXTRAS.values()):
            raise
    pytest.skip(f"{target} needs {missing}")


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_in_the_table_exists(name):
    target, summary = VERBS[name]
    assert importlib.util.find_spec(target) is not None, f"{target} does not exist"
    module = import_or_skip(target)
    for function in ("add_arguments", "run", "render"):
        assert callable(getattr(module, function, None)), f"{target} lacks {function}()"
    assert "--json" in cli.verb_parser(name, module, summary).format_help()


def test_every_verb_module_is_in_the_table():
    folder = Path(cli.__file__).parent
    verbs = {
        f"nightseg_ros.cli.{file.stem}"
        for file in folder.glob("*.py")
        if "\ndef add_arguments(" in file.read_text(encoding="utf-8")
        and not file.stem.startswith(("bench_", "data_"))  # parts of `bench` and `data`
    }
    assert verbs <= {module for module, _ in VERBS.values()}


def test_help_lists_every_verb_and_loads_none_of_them():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\nfrom nightseg_ros.cli import main\n"
            "try: main.main(['--help'])\n"
            "finally: print([m for m in sys.modules if m.startswith('nightseg_ros.cli.')],"
            " [m for m in ('rclpy', 'torch', 'numpy', 'cv2') if m in sys.modules])",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    *text, loaded = done.stdout.splitlines()
    assert loaded == "['nightseg_ros.cli.plain', 'nightseg_ros.cli.main'] []"
    for group, verbs in cli.VERBS.items():
        assert f"{group}:" in text
        for name, (_, summary) in verbs.items():
            assert any(line.split() == [name, *summary.split()] for line in text)


def test_version(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"nightseg_ros {nightseg_ros.__version__}\n"


def test_no_verb_prints_the_help_and_fails(capsys):
    assert cli.main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Evaluate:" in err


def test_unknown_verb_names_the_nearest(capsys):
    assert cli.main(["segmnt"]) == 2
    assert capsys.readouterr().err == (
        "nightseg: error: unknown verb 'segmnt'; did you mean `nightseg segment`? "
        "`nightseg --help` lists the verbs\n"
    )


def test_result_is_rendered_or_printed_as_json(verb, capsys):
    verb(lambda args: {"iou": np.float32(0.5), "none": float("nan")})
    assert cli.main(["try"]) == 0
    assert capsys.readouterr().out == "as text\n"
    assert cli.main(["try", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"iou": 0.5, "none": None}


def test_json_stands_behind_verb_or_sub_verb(verb, capsys):
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        sub = parser.add_subparsers(dest="what", required=True)
        sub.add_parser("node").add_argument("--rate", type=float, default=30.0)

    verb(lambda args: {"rate": args.rate}, add_arguments)
    for argv in (["--json", "node"], ["node", "--json"], ["node", "--rate", "30", "--json"]):
        assert cli.main(["try", *argv]) == 0
        assert json.loads(capsys.readouterr().out) == {"rate": 30.0}


def test_exit_code_of_the_result_is_the_exit_code(verb):
    verb(lambda args: {"exit_code": 1})
    assert cli.main(["try"]) == 1


def test_wrong_option_is_one_line_and_exit_code_2(verb, capsys):
    verb(lambda args: {}, lambda parser: parser.add_argument("--n", type=int))
    with pytest.raises(SystemExit) as left:
        cli.main(["try", "--n", "many"])
    assert left.value.code == 2
    err = capsys.readouterr().err
    assert err == (
        "nightseg try: error: argument --n: invalid int value: 'many'; see `nightseg try --help`\n"
    )


def test_wrong_option_before_the_verb(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["--jsno", "models"])
    assert left.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NightsegError("no model 'x';\n use a name"), "no model 'x'; use a name"),
        (FileNotFoundError(2, "No such file or directory", "a.png"), "No such file or directory: "
         "'a.png'"),
        (ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn"),
         "the Python package 'torch' is missing; pip install '.[train]' in the folder of "
         "nightseg_ros"),
        (ModuleNotFoundError("No module named 'rclpy'", name="rclpy"),
         "the Python package 'rclpy' is missing; source the setup.bash of your ROS 2, or "
         "pip install '.[ros]' in the folder of nightseg_ros"),
        (ZeroDivisionError("by zero"), "unexpected ZeroDivisionError: by zero; run again with "
         "NIGHTSEG_DEBUG=1 for the traceback"),
    ],
)  # fmt: skip
def test_error_is_one_line_without_traceback(verb, capsys, monkeypatch, error, line):
    monkeypatch.delenv("NIGHTSEG_DEBUG", raising=False)

    def run(args: argparse.Namespace) -> dict[str, object]:
        raise error

    verb(run)
    assert cli.main(["try"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"nightseg: error: {line}\n")
    monkeypatch.setenv("NIGHTSEG_DEBUG", "1")
    assert cli.main(["try"]) == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_interrupt_is_130(verb, capsys):
    def run(args: argparse.Namespace) -> dict[str, object]:
        raise KeyboardInterrupt

    verb(run)
    assert cli.main(["try"]) == 130
    assert capsys.readouterr().err == "nightseg: interrupted\n"


def test_closed_pipe_is_silent():
    read, write = os.pipe()
    os.close(read)
    code = (
        "import sys, types\nfrom nightseg_ros.cli import main\n"
        "main.VERBS['Test'] = {'try': ('m', 's')}\n"
        "sys.modules['m'] = types.SimpleNamespace(add_arguments=lambda p: None,"
        " run=lambda a: {}, render=lambda r: 'x' * 100000)\n"
        "sys.exit(main.main(['try']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_json_holds_nothing_but_json():
    value = {
        1: np.int64(3),
        "array": np.array([[1.0, np.inf]]),
        "path": Path("a"),
        "flag": np.bool_(True),
        "none": None,
    }
    assert json.loads(to_json(value)) == {
        "1": 3,
        "array": [[1.0, None]],
        "path": "a",
        "flag": True,
        "none": None,
    }
