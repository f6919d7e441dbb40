# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a training folder was made of, so that only the very same run is ever resumed.

run.json lies beside the checkpoints: the whole recipe, a digest of every file that the recipe
names, and for each part of the training the step it began at and the code that ran it. Another
recipe or other data are refused, with the keys that differ; only `steps` may grow. Other code is
only warned of, since most edits change no training, but it is recorded.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning.pytorch.utilities import rank_zero_only

from nightseg_ros import __version__
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.json_file import read_json, write_json
from nightseg_ros.learning.config import as_plain
from nightseg_ros.learning.input_digests import input_digests
from nightseg_ros.learning.metrics_file import forget_metrics, join_metrics, set_metrics_aside

RECORD, RESULT, LAST = "run.json", "result.json", "last.ckpt"
STEPS = "steps"
LONGEST = 60  # letters of a value in a message
ANEW = "start anew with --no-resume"
REMEDY = f"train with the settings it has, {ANEW}, or name another --out"


class Leaf(NamedTuple):
    """One value of a recipe, and what it is where a recipe does not say."""

    value: Any
    default: Any


@dataclass
class Run:
    """A training that is about to begin, to be resumed, or finished before."""

    out: Path
    record: dict[str, Any]
    checkpoint: str | None
    """What to resume from."""
    result: dict[str, Any] | None
    """What the finished training returned."""
    started: float

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The stretches in which the training ran, and the code of each."""
        return list(self.record["parts"])

    @property
    def chosen(self) -> dict[str, str]:
        """What the training chose by itself when it began."""
        return dict(self.record["chosen"])

    def choose(self, key: str, how: Callable[[], str]) -> str:
        """Return what the training chose for `key` when it began, or choose and record it now.

        What is resumed, and every device of a training, goes by the first choice.
        """
        if key not in self.record["chosen"]:
            self.record["chosen"][key] = how()
            if is_main():
                write_json(self.out / RECORD, self.record)
        return str(self.record["chosen"][key])

    def finish(self, result: dict[str, Any]) -> dict[str, Any]:
        """Keep the result of the whole training, and return it."""
        minutes = round((time.time() - self.started) / 60, 1)
        if is_main():
            join_metrics(self.out)
        about = {"minutes": minutes, "parts": self.parts, "chosen": self.chosen}
        return write_result(self.out, {**result, **about})


def open_run(out: Path, recipe: Any, data: str, *, resume: bool = True) -> Run:
    """Return how to train `recipe` in `out`: from the start, from a checkpoint, or not at all.

    A folder that holds a training of another recipe or of other data is refused.
    """
    if not resume and is_main():
        _forget(out)
    result = kept_result(out, recipe, data)
    last = out / LAST
    before: dict[str, Any] = {"parts": [], "chosen": {}}
    if result is not None or last.is_file() or not is_main():
        before |= read_json(out / RECORD, ANEW) or {}
    if result is not None:
        return Run(out, before, None, result, time.time())
    step = _step_of(last) if last.is_file() else 0
    code = code_version()
    for part in before["parts"][-1:]:
        if part["code"] != code:
            print(
                f"WARNING: {out} was trained with other code ({_named(part['code'])}, now "
                f"{_named(code)}); both are recorded",
                file=sys.stderr,
            )
    record = {
        **_described({"": recipe}, data),
        "parts": before["parts"],
        "chosen": before["chosen"],
    }
    if is_main():  # the other processes of a training begin after the record is written
        record["parts"].append({"from_step": step, STEPS: recipe.steps, "code": code})
        (out / RESULT).unlink(missing_ok=True)
        write_json(out / RECORD, record)
        if step:
            set_metrics_aside(out, step)
    return Run(out, record, str(last) if last.is_file() else None, None, time.time())


def kept_result(out: Path, recipe: Any, data: str) -> dict[str, Any] | None:
    """Return the result of a finished training of this very recipe, None where it is not finished.

    Another recipe in the folder is refused unless nothing came of it.
    """
    result, last = read_json(out / RESULT, ANEW), out / LAST
    if result is None and not last.is_file():
        return None
    record = read_json(out / RECORD, ANEW)
    if record is None:
        raise NightsegError(
            f"{out} holds a training without {RECORD}, so its recipe is not known; start anew with "
            "--no-resume, or name another --out"
        )
    _require_same(out, record, _described({"": recipe}, data), {"": recipe}, may_grow=(STEPS,))
    steps = record["recipe"][STEPS]
    if result is not None and recipe.steps > steps:
        if not last.is_file():
            raise NightsegError(
                f"{out} holds a finished training of {steps} steps without {LAST}, so {STEPS} "
                f"cannot grow to {recipe.steps}; {REMEDY}"
            )
        return None
    if result is None or not (out / Path(str(result["checkpoint"])).name).is_file():
        return None
    return result


def open_study(
    out: Path,
    recipes: Mapping[str, Any],
    data: str,
    *,
    resume: bool,
    may_change: Collection[str] = (),
) -> None:
    """Record what several trainings in `out` are made of, or refuse if that was another recipe.

    `recipes` has the recipe of the study itself under "" and those it names under their keys.
    `may_change` are keys that only add trainings to those that are there.
    """
    record = read_json(out / RECORD, ANEW)
    described = _described(recipes, data)
    if record is not None and resume:
        _require_same(out, record, described, recipes, may_change=may_change)
    if is_main():
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / RECORD, {**described, "parts": [{"code": code_version()}]})


def write_result(out: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Write result.json, whole or not at all, and return what it holds."""
    if is_main():
        write_json(out / RESULT, result)
    return result


def clear(folder: Path) -> None:
    """Remove a folder that a training filled."""
    if is_main():
        shutil.rmtree(folder, ignore_errors=True)


def is_main() -> bool:
    """Whether this process is the one of a training that writes files."""
    # Lightning itself counts from 0 on every machine until the training begins.
    first_machine = os.environ.get("NODE_RANK", "0") == "0"
    return first_machine and int(rank_zero_only.rank) == 0  # type: ignore[attr-defined]


@lru_cache(maxsize=1)
def code_version() -> dict[str, str]:
    """Return the versions of this package and of torch, and a digest of all learning sources."""
    sources = hashlib.blake2b(digest_size=8)
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        sources.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return {
        "version": __version__,
        "learning_sources": sources.hexdigest(),
        "torch": str(torch.__version__),
    }


def _described(recipes: Mapping[str, Any], data: str) -> dict[str, Any]:
    """Return recipes and the digests of their inputs as JSON gives them back."""
    leaves = dict(_all_leaves(recipes))
    plain = {key: leaf.value for key, leaf in leaves.items()}
    described = {"recipe": plain, "inputs": input_digests(plain, data)}
    found: dict[str, Any] = json.loads(json.dumps(described))
    return found


def _all_leaves(recipes: Mapping[str, Any]) -> Iterator[tuple[str, Leaf]]:
    for name, recipe in recipes.items():
        yield from _leaves(recipe, name)


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Leaf]]:
    """Yield every value of a recipe by its key, with dots between the levels."""
    for entry in fields(value):
        key = f"{where}.{entry.name}" if where else entry.name
        found = getattr(value, entry.name)
        default = entry.default
        if default is MISSING:
            made = entry.default_factory
            default = None if made is MISSING else made()
        if is_dataclass(found):
            yield from _leaves(found, key)
        elif isinstance(found, tuple) and found and is_dataclass(found[0]):
            for index, item in enumerate(found):
                yield from _leaves(item, f"{key}.{index}")
        else:
            yield key, Leaf(as_plain(found), as_plain(default))


def _require_same(
    out: Path,
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    recipes: Mapping[str, Any],
    *,
    may_grow: Collection[str] = (),
    may_change: Collection[str] = (),
) -> None:
    """Refuse, naming them, all keys whose values or files are others than in the record."""
    old, new = before["recipe"], now["recipe"]
    defaults = {key: leaf.default for key, leaf in _all_leaves(recipes)}
    different = []
    for key in {**old, **new}:
        # A record may be older than a key: what was trained then is what the default still does.
        there, here = old.get(key, defaults.get(key)), new.get(key)
        if there == here or key in may_change:
            continue
        if key in may_grow and there is not None and here > there:
            continue
        different.append(f"{key}: {_short(there)} there, {_short(here)} here")
    unchanged = [key for key in new if old.get(key) == new[key]]
    for key in unchanged:
        if before["inputs"].get(key) != now["inputs"].get(key) and key not in may_change:
            different.append(f"{key}: other files than now behind {_short(new[key])}")
    if different:
        raise NightsegError(
            f"{out} holds a training of another recipe or of other data ({'; '.join(different)}); "
            f"{REMEDY}"
        )


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _named(code: Mapping[str, str]) -> str:
    return " ".join(code.values())


def _step_of(path: Path) -> int:
    """Return the step at which a checkpoint was written, or refuse it as damaged."""
    try:
        return int(
            torch.load(path, map_location="cpu", weights_only=True, mmap=True)["global_step"]
        )
    except Exception as error:  # damaged files fail in more ways than torch has names for
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise NightsegError(
            f"{path} is damaged and cannot be resumed ({reason}); {ANEW}"
        ) from error


def _forget(out: Path) -> None:
    """Remove what an earlier training would be resumed from; its models stay until replaced."""
    for name in (RECORD, RESULT, "last*.ckpt", "epoch*.ckpt", "best*.ckpt"):
        for path in out.glob(name):
            path.unlink()
    forget_metrics(out)
