# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a rosbag2 recording of one file that gets its name when complete; needs no ROS."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightseg_ros.bags.cdr_images import Messages
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import unfinished_folder
from nightseg_ros.files.sole_writer import sole_file_writer

if TYPE_CHECKING:
    from typing_extensions import Self  # typing has it from Python 3.11 on

SUFFIXES = {".mcap": "MCAP", ".db3": "SQLITE3"}


class WholeBag(Messages):
    """Writes next to `path` and moves the file there at the end; an error leaves no file."""

    def __init__(self, path: Path, *, new: bool = False) -> None:
        """Start the file, locked for other writers; a `new` one must not exist yet."""
        try:
            from rosbags.rosbag2 import StoragePlugin, Writer

            super().__init__()
        except ImportError as error:
            raise NightsegError(
                f"a bag needs the package rosbags ({error}); pip install '.[replay]', "
                "or write to a folder"
            ) from error
        self._path = path
        plugin = StoragePlugin[SUFFIXES[path.suffix]]
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(sole_file_writer(path))
            if new and path.exists():
                raise NightsegError(f"{path} exists already; name another file or remove it")
            self._folder = stack.enter_context(unfinished_folder(path))
            self._writer = Writer(self._folder / "bag", version=8, storage_plugin=plugin)
            self._writer.open()
            self._resources = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._resources:
            self._writer.close()
            if kind is None:
                (made,) = (self._folder / "bag").glob(f"*{self._path.suffix}")
                made.replace(self._path)

    def _topic(self, name: str, kind: str) -> Any:
        """Return the connection of a new topic."""
        return self._writer.add_connection(name, kind, typestore=self._types)

    def _write(self, topic: Any, stamp_ns: int, message: Any) -> None:
        self._writer.write(topic, stamp_ns, self.cdr(message))
