# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A study as data: steps that build on each other, rows that are measured, and tables of them.

Texts may hold {NAME}: a value of `given`, the folder of a step, or {seed}. A step that needs an
empty value of `given` is left out, and so is all that builds on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

from nightseg_ros.bundles.models_folder import default_models_dir
from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import build, read_overridden
from nightseg_ros.learning.keys import Keys, key
from nightseg_ros.learning.limits import Limit, at_least, each, filled, one_of, sides

PLACE = re.compile(r"\{(\w+)\}")
DATA, SEED = "data", "seed"
INTERVAL, GAIN = "interval", "gain"
FUSIONS = ("average", "patch", "pixel", "oracle")
MEASURES = ("miou", "recall")
SOURCES = ("results", "models")
PLOTS = ("forest", "curve")
NAMED = Limit("keys by the name of each", lambda x: isinstance(x, dict))


@dataclass(frozen=True)
class Way(Keys, subject="measure."):
    """How a row is measured: by which networks, and what happens before and behind them."""

    network: str = key("checkpoint of a network", "")
    channels: tuple[str, ...] = key("checkpoints of two networks instead", ())
    fuse: str = key("how two channels become one mask", "average", one_of(FUSIONS))
    fusion: str = key("checkpoint of the patch fusion and the temperatures", "")
    before: str = key("checkpoint of a translator through which the network looks", "")
    adabn: bool = key("batch norms take the statistics of the measured frames", False)

    def check(self) -> None:
        """Refuse values that do not go together."""
        if bool(self.network) == bool(self.channels) or len(self.channels) not in (0, 2):
            raise NightsegError(
                f"measure: network is '{self.network}', channels are {list(self.channels)}; name "
                "one network or two channels"
            )
        if self.channels and self.fuse in ("patch", "pixel") and not self.fusion:
            raise NightsegError(f"measure: fuse is {self.fuse}, but fusion is empty; name it")


@dataclass(frozen=True)
class EvaluationSet(Keys, subject="sets."):
    """What all rows are measured on."""

    what: str = key("what the set is, for the notes of a table", "")
    data: str = key("a labelled set", "")
    stretch: bool = key("frames are stretched to the size of the study, not fitted into it", False)
    count: int = key("so many frames, spread evenly; 0 = all", 0, at_least(0))
    measure: str = key("mIoU, or recall of road in drivable masks", "miou", one_of(MEASURES))
    through: str = key("checkpoint of a translator that converts the frames first", "")
    through_size: tuple[int, int] = key("size at which it sees them", (136, 240), sides(8, 8))
    mean_of: tuple[str, ...] = key("in place of data: the mean over these sets", ())
    figure: str = key("in place of data: this figure of the training itself", "")

    def check(self) -> None:
        """Refuse values that do not go together."""
        if sum(map(bool, (self.data, self.mean_of, self.figure))) != 1:
            raise NightsegError("sets: name one of data, mean_of and figure for each set")


@dataclass(frozen=True)
class TableRow(Keys):
    """A row of a table: figures of the paper, and the row of ours beside them."""

    what: str = key("what the row is")
    id: str = key("number of the row in the paper", "")
    ours: str = key("row of ours beside it, none where only the paper has it", "")
    instead: str = key("row of ours where that was not measured", "")
    at: float | None = key("place on the horizontal axis of a curve", None)
    paper: dict[str, float] = key("figures of the paper by column", factory=dict)


@dataclass(frozen=True)
class Table(Keys, subject="tables."):
    """Figures of a paper beside ours."""

    rows: tuple[TableRow, ...] = key("the rows", limit=filled("rows"))
    ours: dict[str, tuple[str, ...]] = key("sets to show, each with any of interval and gain")
    title: str = key("title of the table", "")
    paper: tuple[str, ...] = key("columns of the paper", ())
    paper_gain: str = key("column whose gain over the first row is shown", "")
    source: str = key(
        "where ours are from; models = model.yaml, rows MODEL@SET", "results", one_of(SOURCES)
    )
    notes: tuple[str, ...] = key("notes below the table", ())

    def check(self) -> None:
        """Refuse values that do not go together."""
        for row in self.rows:
            if unknown := set(row.paper) - set(self.paper):
                raise NightsegError(f"tables: row '{row.what}' has no column {sorted(unknown)[0]}")


@dataclass(frozen=True)
class Study(Keys, subject="study {name}"):
    """Trainings with several seeds, what is measured of them, and tables beside a paper's."""

    name: str = key("name of the study, its file and its folder in runs/")
    title: str = key("title of its tables")
    tables: tuple[Table, ...] = key("the tables", limit=filled("tables"))
    sets: dict[str, EvaluationSet] = key("what the rows are measured on, by name")
    steps: dict[str, dict[str, Any]] = key("what is done for each seed", limit=NAMED, factory=dict)
    measure: dict[str, dict[str, Any]] = key("rows that are not just a step", factory=dict)
    given: dict[str, Any] = key(
        "values that texts may name; an empty one is not there", factory=dict
    )
    base: str = key("row over which gains are", "")
    size: tuple[int, int] = key(
        "size at which frames are seen and measured", (144, 256), sides(8, 8)
    )
    seeds: tuple[int, ...] = key("seeds of the trainings", (0, 1, 2), each(at_least(0)))
    rounds: int = key("rounds of the bootstrap", 1000, at_least(1))
    over_seeds: bool = key("the bootstrap draws seeds too, not images alone", False)
    plot: str = key("which picture is drawn", "forest", one_of(PLOTS))
    notes: tuple[str, ...] = key("notes below all tables", ())

    def check(self) -> None:
        """Refuse names that are not there, used twice, or wait for each other."""
        for row in self.rows:
            build(Way, self.way(row), f"study {self.name}: {row}")
        twice = set(self.given) & set(self.steps)
        if twice or {DATA, SEED} & {*self.given, *self.steps}:
            raise self.refused(f"a name is used twice: {sorted(twice)}")
        try:
            TopologicalSorter(
                {name: self.needs(step) for name, step in self.steps.items()}
            ).prepare()
        except CycleError as error:
            circle = " -> ".join(error.args[1])
            raise self.refused(f"steps wait for each other: {circle}") from None
        if self.base and self.base not in self.rows:
            raise self.refused(f"base is '{self.base}', which is no row")

    @cached_property
    def rows(self) -> tuple[str, ...]:
        """All rows that can be measured, in the order of the tables, the base first."""
        named = [
            name
            for table in self.tables
            if table.source == "results"
            for row in table.rows
            for name in (row.ours, row.instead)
        ]
        first = [self.base] if self.base else []
        return tuple(name for name in dict.fromkeys([*first, *self.measure, *named]) if name)

    def way(self, row: str) -> dict[str, Any]:
        """Return how a row is measured; a row that has the name of a step is its network alone."""
        if row not in self.measure and row not in self.steps:
            raise self.refused(
                f"row '{row}' is neither a step nor in measure; there are "
                f"{', '.join((*self.measure, *self.steps))}"
            )
        return self.measure.get(row, {"network": f"{{{row}}}/model.pt"})

    def needs(self, value: Any) -> set[str]:
        """Return the steps whose folders a value names."""
        return {name for name in self._named(value, frozenset()) if name in self.steps}

    def possible(self, value: Any) -> bool:
        """Whether everything that a value builds on is given."""
        names = self._named(value, frozenset())
        given = all(self.given.get(name) != "" for name in names)
        return given and all(self.possible(self.steps[name]) for name in self.needs(value))

    def _named(self, value: Any, seen: frozenset[str]) -> set[str]:
        found: set[str] = set()
        for name in set(PLACE.findall(json.dumps(value))) - {DATA, SEED} - seen:
            if name not in self.given and name not in self.steps:
                known = ", ".join((SEED, *self.given, *self.steps))
                raise self.refused(f"{{{name}}} is unknown; there are {known}")
            found |= {name} | self._named(self.given.get(name, ""), seen | {name})
        return found

    def fill(self, value: Any, folder: Callable[[str], Path], seed: int | None) -> Any:
        """Return a value with every {NAME} in it replaced; {data} stays for the recipes."""

        def known(name: str) -> Any:
            if name in self.given:
                return self.fill(self.given[name], folder, seed)
            return str(seed) if name == SEED else str(folder(name))

        if isinstance(value, Mapping):
            return {key: self.fill(item, folder, seed) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(item, folder, seed) for item in value]
        if not isinstance(value, str):
            return value
        whole = PLACE.fullmatch(value)
        if whole and whole[1] != DATA:
            return known(whole[1])
        return PLACE.sub(lambda m: m[0] if m[1] == DATA else str(known(m[1])), value)


class Task(NamedTuple):
    """One thing to do: a step or a row of a seed, or a step of all seeds (None)."""

    name: str
    seed: int | None
    is_row: bool = False

    @property
    def folder(self) -> Path:
        """Its folder below that of the study."""
        name = self.name if self.seed is None else f"{self.name}_seed_{self.seed}"
        return Path("rows", name) if self.is_row else Path(name)


def step_task(study: Study, name: str, seed: int | None) -> Task:
    """Return the task that makes a step for a seed."""
    if study.steps[name].get("once"):
        return Task(name, None)
    if seed is None:
        raise NightsegError(
            f"study {study.name}: a step with `once` builds on {name}, which has seeds"
        )
    return Task(name, seed)


def tasks_of(study: Study, rows: Iterable[str], seeds: Iterable[int]) -> dict[Task, set[Task]]:
    """Return everything that has to be done for some rows, each with what it waits for."""
    graph: dict[Task, set[Task]] = {}

    def add(task: Task, value: Any) -> None:
        if task not in graph:
            graph[task] = {step_task(study, name, task.seed) for name in study.needs(value)}
            for before in sorted(graph[task]):
                add(before, study.steps[before.name])

    for seed in seeds:
        for row in rows:
            if study.possible(study.way(row)):
                add(Task(row, seed, is_row=True), study.way(row))
    return graph


def studies_dir() -> Path:
    """Return the folder of the shipped studies."""
    return default_models_dir().parent / "config" / "studies"  # in the source as when installed


def results_file(name: str) -> Path:
    """Return where the shipped results of a study lie."""
    return studies_dir().parent / "results" / f"{name}.csv"


def load_study(named: str, overrides: Iterable[str] = ()) -> Study:
    """Return a shipped study by its name, or one in a file, with KEY=VALUE overrides."""
    path = Path(named) if named.endswith(".yaml") else studies_dir() / f"{named}.yaml"
    if not path.is_file():
        shipped = ", ".join(sorted(one.stem for one in studies_dir().glob("*.yaml")))
        raise NightsegError(f"there is no study {named}; name a file, or one of {shipped}")
    data = read_overridden(path, overrides)
    steps = data.get("steps", {})
    for name, step in steps.items():
        if model := step.get("like") if step.get("do", "train") == "train" else None:
            if model not in steps:
                raise NightsegError(f"{path}: step {name} is like {model}, which is no step")
            own = {key: value for key, value in step.items() if key != "like"}
            changed = {**steps[model].get("set", {}), **step.get("set", {})}
            steps[name] = {**steps[model], **own, "set": changed}
    return build(Study, data, str(path))
