# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg models`: what model folders there are, and whether each can be trusted and run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.bundles.models_folder import default_models_dir, find_bundles
from nightseg_ros.cli.options.fields import flag, nested, option
from nightseg_ros.cli.options.models import EngineOptions
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.text_table import text_table

COLUMNS = ("name", "kind", "route", "size", "classes", "sha256", "MB", "state")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg models`."""

    dir: Path | None = option("models folder (default: the installed one)", None, metavar="FOLDER")
    public_key: str = option(
        "also ask for a signature by the owner of this public key of minisign", "", metavar="KEY"
    )
    run: bool = flag(
        "also build each engine and run it once, which shows wrong shapes and class counts"
    )
    engines: EngineOptions = nested(EngineOptions)


def run(options: Options) -> dict[str, object]:
    """Verify every bundle; a bad one makes the exit code 2."""
    folder = Path(options.dir) if options.dir is not None else default_models_dir()
    if not folder.is_dir():
        raise NightsegError(
            f"there is no models folder {folder}; name one with --dir or NIGHTSEG_MODELS"
        )
    rows = [_row(path, options) for path in find_bundles(folder)]
    bad = any(row["problem"] for row in rows)
    return {"dir": str(folder), "models": rows, "exit_code": 2 if bad else 0}


def render(result: dict[str, object]) -> str:
    """Return the table of models."""
    rows = result["models"]
    assert isinstance(rows, list)
    if not rows:
        return f"No models in {result['dir']}: a model is a folder there with a model.yaml."
    table = text_table(COLUMNS, [_cells(row) for row in rows], left=range(len(COLUMNS)))
    return "\n".join([str(result["dir"]), table, *_licences(rows)])


def _licences(rows: list[dict[str, object]]) -> list[str]:
    """Return each licence once, with the models that are under it."""
    names: dict[str, list[str]] = {}
    for row in rows:
        if row.get("licence"):
            names.setdefault(str(row["licence"]), []).append(str(row["name"]))
    return [f"{', '.join(under)}: {licence}" for licence, under in names.items()]


def _row(path: Path, options: Options) -> dict[str, object]:
    """Return what is known of the bundle at `path`, and its problem if it has one."""
    row: dict[str, object] = {"name": path.name, "folder": str(path), "problem": ""}
    try:
        bundle = Bundle.load(path, verify=False, public_key=options.public_key)
        row |= {
            "name": bundle.name,
            "kind": bundle.kind,
            "route": bundle.route,
            "height": bundle.height,
            "width": bundle.width,
            "classes": bundle.labels.count if bundle.labels is not None else None,
            "labels": bundle.labels.name if bundle.labels is not None else None,
            "sha256": bundle.sha256,
            "licence": bundle.licence,
            "metrics": dict(bundle.metrics),
        }
        row["bytes"] = len(bundle.read_model())
        if options.run:
            with options.engines.running({bundle.role: bundle}) as engines:
                info = engines[bundle.role].info
                row |= {"provider": info.provider, "engine": str(info)}
    except NightsegError as error:
        row["problem"] = str(error)
    return row


def _cells(row: dict[str, object]) -> tuple[str, ...]:
    def text(key: str) -> str:
        return str(row[key]) if row.get(key) is not None else "-"

    size, megabytes = row.get("bytes"), "-"
    if isinstance(size, int):
        megabytes = f"{size / 1e6:.1f}"
    return (
        text("name"),
        text("kind"),
        text("route"),
        f"{row['width']}x{row['height']}" if "width" in row else "-",
        text("classes"),
        text("sha256")[:12],
        megabytes,
        str(row["problem"] or (f"runs on {row['engine']}" if "engine" in row else "ok")),
    )
