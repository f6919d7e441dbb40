# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The options that choose models and engines, the same for every verb that runs some."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.bundles.choice import choose_models, find_model, routes_of
from nightseg_ros.bundles.models_folder import default_models_dir
from nightseg_ros.bundles.routes import ENGINES_OF
from nightseg_ros.cli.options.fields import flag, option
from nightseg_ros.engines.select import ENGINES, create_engines
from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle
    from nightseg_ros.engines.engine import Engine


ROUTE_HELP = "route of every frame (default: that of the models named, or auto)"


def model_option(default: str = "those of the models folder") -> Any:
    """Return the option --model; `default` names what is used without it."""
    return option(
        "use this model, for what its model.yaml says it is for: a name in the models folder, "
        "or the folder of a model; may be given often, and then no others are chosen from "
        f"(default: {default})",
        (),
        metavar="NAME",
    )


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Which models are run."""

    model: tuple[str, ...] = model_option()
    models: Path | None = option(
        "models folder (default: NIGHTSEG_MODELS, or the installed one)", None, metavar="FOLDER"
    )

    labels_as: str = option(
        "give masks in this label set, by name or the YAML file of one, to use models of different "
        "classes together; maps must lead there (default: that of the models)",
        "",
        metavar="SET",
    )

    @property
    def folder(self) -> Path:
        """Return the models folder that is named, or the default one."""
        return default_models_dir() if self.models is None else self.models.expanduser()

    def choose(self, route: str | None, *, every: bool = False) -> tuple[str, dict[str, Bundle]]:
        """Return the route and the bundles that --model, --models and --route ask for."""
        return choose_models(self.model, self.folder, route, every=every, labels_as=self.labels_as)


def model_parameters(
    route: str, bundles: Mapping[str, Bundle], labels_as: str = ""
) -> dict[str, object]:
    """Return the parameters by which the node runs these models, and loads no others."""
    return {
        **{f"{role}_model": str(bundle.path.resolve()) for role, bundle in bundles.items()},
        "allowed_routes": [route] if route in ENGINES_OF else routes_of(bundles),
        **({"labels_as": labels_as} if labels_as else {}),
    }


def one_model(name: str) -> Bundle:
    """Return the model of an argument that names one."""
    return find_model(name, default_models_dir())


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """What runs the models."""

    engine: str = option(
        "what runs the models (default: auto, the fastest that can run here)",
        "auto",
        choices=ENGINES,
    )
    threads: int = option("CPU threads of an engine; 0 is one per core", 0, metavar="N")
    require_gpu: bool = flag("fail rather than run on the CPU")
    allow_build: bool = flag(
        "build an engine for the GPU that is not in the engine cache; it may take minutes"
    )

    @contextmanager
    def running(self, bundles: Mapping[str, Bundle]) -> Iterator[dict[str, Engine]]:
        """Yield the engines of `bundles`; on stderr, why one is not what could be expected."""
        if self.threads < 0:
            raise NightsegError(f"--threads is {self.threads}; it must be 0 or more")
        log = _print if self.allow_build else lambda _: None
        engines = create_engines(bundles, **vars(self), log=log)
        try:
            for text in dict.fromkeys(engine.info.fallback_reason for engine in engines.values()):
                if text:
                    _print(f"FALLBACK: {text}")
            yield engines
        finally:
            for engine in engines.values():
                engine.close()


def _print(line: str) -> None:
    print(f"nightseg: {line}", file=sys.stderr)
