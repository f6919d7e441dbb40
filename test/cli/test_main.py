# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg <verb>`: the table of verbs, --json, and errors in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import nightseg_ros
from nightseg_ros.cli import interrupts
from nightseg_ros.cli import main as cli
from nightseg_ros.cli.options.fields import option
from nightseg_ros.cli.verbs import VERBS, Verb
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.json_file import to_json
from nightseg_ros.ros.transport import security_remedy


@dataclass(frozen=True)
class NoOptions:
    """For a verb without options."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    n: int = option("a number", default=0)
    rate: float = option("a rate", default=30.0)


@pytest.fixture
def verb(monkeypatch):
    """Install a made-up verb `try` whose run() is the function under test, and `many try`."""

    def install(run, options=NoOptions, render=lambda result: "as text"):
        module = SimpleNamespace(Options=options, run=run, render=render)
        made_up = Verb("a made-up verb", "try")
        several = Verb("made-up verbs", parts={"try": made_up})
        monkeypatch.setitem(VERBS, "Test", {"try": made_up, "many": several})
        monkeypatch.setitem(sys.modules, "nightseg_ros.cli.try_", module)
        monkeypatch.setitem(sys.modules, "nightseg_ros.cli.many_try", module)

    return install


def test_every_extra_that_an_error_names_is_one_of_setup_py():
    setup = (Path(cli.__file__).parents[2] / "setup.py").read_text(encoding="utf-8")
    assert [extra for extra in cli.EXTRAS if f'"{extra}": ' not in setup] == []


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
    assert (
        loaded
        == str(
            [
                f"nightseg_ros.cli.{name}"
                for name in (
                    "interrupts", "options", "options.fields", "verbs", "parsers", "main"
                )
            ]
        )
        + " []"
    )  # fmt: skip
    for group, verbs in VERBS.items():
        assert f"{group}:" in text
        for name, verb in verbs.items():
            assert any(line.split() == [name, *verb.summary.split()] for line in text)


def test_version(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"nightseg_ros {nightseg_ros.__version__}\n"


def test_no_verb_prints_the_help_and_fails(capsys):
    assert cli.main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Look at recordings:" in err


def test_unknown_verb_names_the_nearest(capsys):
    assert cli.main(["segmnt"]) == 2
    assert capsys.readouterr().err == (
        "nightseg: error: unknown verb 'segmnt'; did you mean `nightseg segment`? "
        "`nightseg --help` lists the verbs\n"
    )


def test_result_is_rendered_or_printed_as_json(verb, capsys):
    verb(lambda options: {"iou": np.float32(0.5), "none": float("nan")})
    assert cli.main(["try"]) == 0
    assert capsys.readouterr().out == "as text\n"
    assert cli.main(["try", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"iou": 0.5, "none": None}


def test_json_stands_behind_verb_or_sub_verb(verb, capsys):
    verb(lambda options: {"rate": options.rate}, Rate)
    for argv in (["--json", "try"], ["try", "--json"], ["try", "--rate", "30", "--json"]):
        assert cli.main(["many", *argv]) == 0
        assert json.loads(capsys.readouterr().out) == {"rate": 30.0}


def test_exit_code_of_the_result_is_the_exit_code(verb):
    verb(lambda options: {"exit_code": 1})
    assert cli.main(["try"]) == 1


def test_wrong_option_is_one_line_and_exit_code_2(verb, capsys):
    verb(lambda options: {}, Rate)
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
        (ModuleNotFoundError("No module named 'jinja2'", name="jinja2"),
         "the Python package 'jinja2' is missing; pip install '.' in the folder of nightseg_ros"),
        (ModuleNotFoundError("No module named 'onnx'", name="onnx"),
         "the Python package 'onnx' is missing; pip install '.[export]' in the folder of "
         "nightseg_ros"),
        (ModuleNotFoundError("No module named 'rclpy'", name="rclpy"),
         "the Python package 'rclpy' is missing; source the setup.bash of your ROS 2, or "
         "pip install '.[ros]' in the folder of nightseg_ros"),
        (
            RuntimeError("This Fast DDS version doesn't have the security libraries"),
            security_remedy("This Fast DDS version doesn't have the security libraries"),
        ),
        (ZeroDivisionError("by zero"), "unexpected ZeroDivisionError: by zero; run again with "
         "NIGHTSEG_DEBUG=1 for the traceback"),
    ],
)  # fmt: skip
def test_error_is_one_line_without_traceback(verb, capsys, monkeypatch, error, line):
    monkeypatch.delenv("NIGHTSEG_DEBUG", raising=False)

    def run(options: NoOptions) -> dict[str, object]:
        raise error

    verb(run)
    assert cli.main(["try"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"nightseg: error: {line}\n")
    monkeypatch.setenv("NIGHTSEG_DEBUG", "1")
    assert cli.main(["try"]) == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_interrupt_is_130(verb, capsys):
    def run(options: NoOptions) -> dict[str, object]:
        raise KeyboardInterrupt

    verb(run)
    assert cli.main(["try"]) == 130
    assert capsys.readouterr().err == "nightseg: interrupted\n"


def test_interrupt_that_a_library_made_an_error_of_is_still_an_interrupt(verb, capsys, monkeypatch):
    def run(options: NoOptions) -> dict[str, object]:
        raise ImportError("numpy.core failed to import")

    monkeypatch.setattr(interrupts, "_seen", True)
    verb(run)
    assert cli.main(["try"]) == 130
    assert capsys.readouterr().err == "nightseg: interrupted\n"


def test_closed_pipe_is_silent():
    read, write = os.pipe()
    os.close(read)
    code = (
        "import sys, types\nfrom dataclasses import make_dataclass\n"
        "from nightseg_ros.cli import main, verbs\n"
        "verbs.VERBS['Test'] = {'try': verbs.Verb('s', 'try')}\n"
        "sys.modules['nightseg_ros.cli.try_'] = types.SimpleNamespace("
        "Options=make_dataclass('Options', []),"
        " run=lambda options: {}, render=lambda result: 'x' * 100000)\n"
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
