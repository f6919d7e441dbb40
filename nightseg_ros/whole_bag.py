# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A rosbag2 recording in one file that appears under its name when all is in it; needs no ROS."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from typing_extensions import Self  # typing has it from Python 3.11 on

SUFFIXES = {".mcap": "MCAP", ".db3": "SQLITE3"}


class WholeBag:
    """Writes beside `path` and moves the file there at the end; an error leaves nothing."""

    def __init__(self, path: Path) -> None:
        try:
            from rosbags.rosbag2 import StoragePlugin, Writer
            from rosbags.typesys import Stores, get_typestore
        except ImportError as error:
            raise NightsegError(
                f"a bag needs the package rosbags ({error}); pip install '.[replay]', "
                "or write to a folder"
            ) from error
        self._path = path
        self._types: Any = get_typestore(Stores.ROS2_HUMBLE)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        plugin = StoragePlugin[SUFFIXES[path.suffix]]
        self._writer = Writer(self._folder / "bag", version=8, storage_plugin=plugin)
        self._writer.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._writer.close()
            if kind is None:
                (made,) = (self._folder / "bag").glob(f"*{self._path.suffix}")
                made.replace(self._path)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _topic(self, name: str, kind: str) -> Any:
        """Return the connection of a new topic."""
        return self._writer.add_connection(name, kind, typestore=self._types)

    def _message(self, kind: str, **values: Any) -> Any:
        return self._types.types[kind](**values)

    def _header(self, stamp_ns: int, frame_id: str) -> Any:
        stamp = self._message(
            "builtin_interfaces/msg/Time", sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9
        )
        return self._message("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)

    def _write(self, topic: Any, stamp_ns: int, message: Any) -> None:
        data = self._types.serialize_cdr(message, message.__msgtype__)
        self._writer.write(topic, stamp_ns, data)
