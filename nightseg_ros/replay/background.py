# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads ahead and writes behind in threads, by at most a few items."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar, final

Item = TypeVar("Item")
Source = TypeVar("Source")
DEPTH = 4


@final
class ReadAhead(Generic[Item]):
    """Iterates over `items` in a separate thread; an error there is raised here.

    >>> with ReadAhead(range(3)) as items:
    ...     list(items)
    [0, 1, 2]
    """

    def __init__(self, items: Iterable[Item], depth: int = DEPTH) -> None:
        self._items: Iterable[Any] = items
        self._begin: Callable[[Any], Future[Item]] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._queue: queue.Queue[tuple[str, Any]] = queue.Queue(depth)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="read ahead", daemon=True)

    @staticmethod
    def of(
        work: Callable[[Source], Item], sources: Iterable[Source], workers: int
    ) -> ReadAhead[Item]:
        """Iterate over the results of `work` for each source, in order, on several threads.

        >>> with ReadAhead.of(str, range(3), workers=2) as items:
        ...     list(items)
        ['0', '1', '2']
        """
        ahead: ReadAhead[Item] = ReadAhead((), DEPTH + workers)
        pool = ThreadPoolExecutor(workers, thread_name_prefix="work ahead")
        ahead._items, ahead._pool = sources, pool
        ahead._begin = lambda source: pool.submit(work, source)
        return ahead

    def __enter__(self) -> ReadAhead[Item]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def __iter__(self) -> Iterator[Item]:
        while True:
            what, value = self._queue.get()
            if what == "end":
                return
            if what == "error":
                raise value
            yield value.result() if what == "work" else value

    def _read(self) -> None:
        try:
            for item in self._items:
                begun = ("item", item) if self._begin is None else ("work", self._begin(item))
                if not self._put(*begun):
                    return
            self._put("end", None)
        except BaseException as error:  # raised again in the consumer
            self._put("error", error)
        finally:
            # Here, not in the garbage collector: some files must be closed in their own thread.
            if isinstance(self._items, Generator):
                self._items.close()

    def _put(self, what: str, value: Any) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put((what, value), timeout=0.1)
                return True
            except queue.Full:
                continue
        return False


@final
class WriteBehind:
    """Calls functions one by one in a thread; an error there is raised here, later.

    After an error nothing more is called, so the output has no gaps.
    """

    def __init__(self, depth: int = DEPTH) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="write behind")
        self._pending: deque[Future[None]] = deque()
        self._depth = depth
        self._failed = False

    def submit(self, function: Callable[..., None], *arguments: Any) -> None:
        """Queue a call of `function`; wait while too many calls are pending."""
        while len(self._pending) >= self._depth:
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(self._call, function, *arguments))

    def __enter__(self) -> WriteBehind:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Computed results are kept even if the work stops in the middle.
        self._pool.shutdown(wait=True)
        if kind is None:
            while self._pending:
                self._pending.popleft().result()

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        if self._failed:
            return
        try:
            function(*arguments)
        except BaseException:
            self._failed = True
            raise
