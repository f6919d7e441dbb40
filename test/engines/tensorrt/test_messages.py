# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Messages of TensorRT become remedies for its user."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nightseg_ros.engines.tensorrt.messages import MOST, create_log, explain

NO_DRIVER = "CUDA initialization failure with error: 35. Please check your CUDA installation"


@pytest.mark.parametrize(
    ("errors", "meaning"),
    [
        (
            ["10: [optimizer.cpp::computeCosts] Could not find any implementation for node A"],
            "memo",
        ),
        (["2: [virtualMemoryBuffer.cpp::resizePhysical] OutOfMemory (no further)"], "memory"),
        (["Requested amount of GPU memory (1073741824 bytes) could not be allocated."], "memory"),
        (
            ["1: [stdArchiveReader.cpp] Serialization assertion stdVersionRead == failed."],
            "version",
        ),
        (["6: The engine plan file is not compatible with this version of TensorRT"], "version"),
        (
            ["The engine plan file is generated on an incompatible device, compute capability"],
            "GPU",
        ),
        (["In node 0 (parseNode): INVALID_NODE: first input has type UInt8"], "unknown to this"),
        ([NO_DRIVER], "no GPU that this TensorRT can use"),
        ([NO_DRIVER, "unsupported operator Foo"], "unknown to this"),
    ],
    ids=str,
)
def test_known_messages_are_translated(errors: list[str], meaning: str) -> None:
    text = explain(errors)
    assert meaning in text
    assert "(TensorRT: " in text


def test_unknown_messages_are_passed_on_in_one_line() -> None:
    long = "Something\n  new " + "x" * 1000 + " (In f at /_src/a.cpp:12 (rest))"
    text = explain([long])
    assert text.startswith("Something new xxx")
    assert len(text) <= 240
    assert "/_src" not in explain(["Bad thing (In checkType at /_src/nodeBase.cpp:456 now)"])
    assert explain([]) == "TensorRT gave no reason"


def test_the_log_keeps_errors_only_and_not_without_end() -> None:
    levels = {"INTERNAL_ERROR": 0, "ERROR": 1}
    log = create_log(SimpleNamespace(ILogger=type("ILogger", (), levels)))
    log.log(2, "a warning")
    for _ in range(MOST + 5):
        log.log(1, "an error")
    assert log.errors == ["an error"] * MOST
