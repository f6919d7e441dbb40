# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg models`: what model folders there are, and whether each can be trusted and run."""

from __future__ import annotations

import argparse
from pathlib import Path

from nightseg_ros.bundle import Bundle, default_models_dir, find_bundles
from nightseg_ros.cli.engine_options import add_engine_options, chosen_engines
from nightseg_ros.errors import NightsegError

COLUMNS = ("name", "kind", "route", "size", "classes", "sha256", "MB", "state")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument(
        "--dir", type=Path, metavar="FOLDER", help="models folder (default: the installed one)"
    )
    parser.add_argument(
        "--public-key",
        default="",
        metavar="KEY",
        help="also ask for a signature by the owner of this public key of minisign",
    )
    parser.add_argument(
        "--run",
        action="store_true",
        help="also build each engine and run it once, which shows wrong shapes and class counts",
    )
    add_engine_options(parser)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Verify every bundle; a bad one makes the exit code 2."""
    folder = Path(args.dir) if args.dir is not None else default_models_dir()
    if not folder.is_dir():
        raise NightsegError(
            f"there is no models folder {folder}; name one with --dir or NIGHTSEG_MODELS"
        )
    rows = [_row(path, args) for path in find_bundles(folder)]
    bad = any(row["problem"] for row in rows)
    return {"dir": str(folder), "models": rows, "exit_code": 2 if bad else 0}


def render(result: dict[str, object]) -> str:
    """Return the table of models."""
    rows = result["models"]
    assert isinstance(rows, list)
    if not rows:
        return f"No models in {result['dir']}: a model is a folder there with a model.yaml."
    cells = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    return "\n".join([str(result["dir"]), *lines])


def _row(path: Path, args: argparse.Namespace) -> dict[str, object]:
    """Return what is known of the bundle at `path`, and its problem if it has one."""
    row: dict[str, object] = {"name": path.name, "folder": str(path), "problem": ""}
    try:
        bundle = Bundle.load(path, verify=False, public_key=args.public_key)
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
        if args.run:
            created = chosen_engines({bundle.role: bundle}, args)[bundle.role]
            row |= {"provider": created.info.provider, "engine": str(created.info)}
            created.close()
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
