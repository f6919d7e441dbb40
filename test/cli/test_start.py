# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C at any moment of the start of `nightseg`: one line, exit code 130, never a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from support.patience import PATIENCE_S

INTERRUPTED = """
import os, signal, sys
wanted, action = sys.argv[1:3]
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:  # as numpy and torch do, whose C code imports things
                raise ImportError("numpy.core failed to import")
        return None
signal.signal(signal.SIGINT, getattr(signal, action))
sys.meta_path.insert(0, Finder())
sys.argv[1:] = sys.argv[3:]
from nightseg_ros.cli.start import main
sys.exit(main())
"""


def interrupted(module, *words, action="default_int_handler"):
    """Run `nightseg` and have it interrupted when it begins to import a module."""
    command = [sys.executable, "-c", INTERRUPTED, module, action, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


@pytest.mark.parametrize(
    "module",
    [
        "nightseg_ros.cli.main",
        "argparse",
        "nightseg_ros.errors",
        "nightseg_ros.cli.models",
        "yaml",
    ],
)
def test_interrupt_while_something_is_imported_is_one_line_and_130(module):
    done = interrupted(module, "models")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "nightseg: interrupted\n")


@pytest.mark.parametrize("module", ["onnxruntime", "cv2"])
def test_doctor_does_not_take_an_interrupt_for_a_finding(module):
    done = interrupted(module, "doctor", "--no-ros")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "nightseg: interrupted\n")


def test_where_interrupts_are_ignored_they_stay_so():
    done = interrupted("argparse", "--version", action="SIG_IGN")
    assert done.returncode == 0
    assert done.stdout.startswith("nightseg_ros ")


def test_tests_themselves_keep_their_handler():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
