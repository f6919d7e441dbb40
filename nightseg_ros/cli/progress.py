# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A progress bar with the time left, on stderr so that stdout stays fit for pipes.

On a terminal one line is redrawn; elsewhere (a log file, CI) a line is added every few seconds.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TextIO, TypeVar, final

Item = TypeVar("Item")

REDRAW_S = 0.1
LOG_EVERY_S = 5.0
BAR_CELLS = 24


def clock(seconds: float) -> str:
    """Return a duration as m:ss or h:mm:ss.

    >>> clock(75), clock(3700)
    ('1:15', '1:01:40')
    """
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


@final
class Progress:
    """Counts finished steps; `total` may be None where the end is not known.

    >>> with Progress(2, "frames") as progress:
    ...     progress.advance()
    ...     progress.advance()
    """

    def __init__(
        self,
        total: int | None,
        label: str,
        *,
        stream: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total = total
        self.label = label
        self.done = 0
        self.note = ""
        self._stream = sys.stderr if stream is None else stream
        self._now = now
        self._live = self._stream.isatty()
        self._start = self._shown_at = now()
        self._width = 0
        self._shown = -1

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def advance(self, steps: int = 1, note: str | None = None) -> None:
        """Count finished steps; `note` (a loss, a file name) is shown behind the time left."""
        self.done += steps
        if note is not None:
            self.note = note
        if self._now() - self._shown_at >= (REDRAW_S if self._live else LOG_EVERY_S):
            self._show()

    def close(self) -> None:
        """Show the last state and end the line; short work that never showed stays silent."""
        if self._live and self._shown not in (-1, self.done):
            self._show()
        if self._live and self._width:
            self._stream.write("\n")
            self._stream.flush()
            self._width = 0

    def text(self) -> str:
        """Return the line as it is shown."""
        elapsed = max(self._now() - self._start, 1e-9)
        rate = self.done / elapsed
        parts = [self.label]
        if self.total:
            share = min(self.done / self.total, 1.0)
            cells = round(share * BAR_CELLS)
            parts.append(f"[{'#' * cells}{'.' * (BAR_CELLS - cells)}] {share:4.0%}")
            parts.append(f"{self.done}/{self.total}")
        else:
            parts.append(str(self.done))
        parts.append(f"{rate:.1f}/s" if rate >= 1 or not rate else f"{1 / rate:.1f} s each")
        if self.total and self.done < self.total:
            left = clock((self.total - self.done) / rate) if rate else "?"
            parts.append(f"{left} left")
        else:
            parts.append(f"in {clock(elapsed)}")
        return "  ".join([*parts, self.note] if self.note else parts)

    def _show(self) -> None:
        self._shown_at = self._now()
        self._shown = self.done
        line = self.text()
        if self._live:
            line = line[: shutil.get_terminal_size().columns - 1]
            self._stream.write("\r" + line.ljust(self._width))
            self._width = len(line)
        else:
            self._stream.write(line + "\n")
        self._stream.flush()


def track(items: Iterable[Item], label: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items of an iterable and show how far it is."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Progress(total, label) as progress:
        for item in items:
            yield item
            progress.advance()
