# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One slot per camera between the executor and the worker, and exact counts of all frames.

The executor only puts: a newer frame replaces the one that still waits, so nothing queues and no
mask is older than necessary. The worker only takes: it sleeps until a frame arrives and serves
the cameras in turn. Every received frame ends in exactly one of the outcomes below, or is in
flight; one lock protects both, so the sum is always right.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from threading import Condition
from typing import Generic, TypeVar

FrameT = TypeVar("FrameT")


class Outcome(Enum):
    """What became of a received frame: published, dropped or rejected, and why."""

    PUBLISHED = "published"
    REPLACED = "dropped: a newer frame came before its turn"
    RATE = "dropped: max_rate_hz"
    UNWATCHED = "dropped: nobody listens"
    INACTIVE = "dropped: the node was deactivated"
    BAD_IMAGE = "rejected: not a usable image"
    BAD_STAMP = "rejected: stamp invalid or out of order"
    ENGINE = "rejected: the engine failed"
    UNPUBLISHED = "rejected: the mask could not be published"
    HUNG = "rejected: the engine hung"
    HALTED = "rejected: the engines are stopped after failures"


@dataclass(frozen=True)
class Counts:
    """The counts of one camera: received = published + dropped + rejected + in_flight."""

    received: int = 0
    in_flight: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)

    @property
    def published(self) -> int:
        """Frames whose mask was published."""
        return self.outcomes[Outcome.PUBLISHED]

    @property
    def dropped(self) -> int:
        """Good frames that were skipped on purpose."""
        return self._count("dropped")

    @property
    def rejected(self) -> int:
        """Frames that could not be segmented."""
        return self._count("rejected")

    def _count(self, what: str) -> int:
        return sum(n for outcome, n in self.outcomes.items() if outcome.value.startswith(what))


class _Slot(Generic[FrameT]):
    def __init__(self) -> None:
        self.waiting: FrameT | None = None
        self.received = 0
        self.in_flight = 0
        self.next_due = 0.0
        self.outcomes: Counter[Outcome] = Counter()

    def settle(self, outcome: Outcome) -> None:
        self.in_flight -= 1
        self.outcomes[outcome] += 1


class Mailbox(Generic[FrameT]):
    """The slots of all cameras behind one condition; closed until `open` is called."""

    def __init__(
        self, cameras: Iterable[str], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._slots: dict[str, _Slot[FrameT]] = {camera: _Slot() for camera in cameras}
        self._order = list(self._slots)
        self._changed = Condition()
        self._open = self._ended = self._halted = False
        self._period_s = 0.0
        self._clock = clock

    def set_max_rate(self, rate_hz: float) -> None:
        """Limit the frames served per second and camera; 0 serves all."""
        with self._changed:
            self._period_s = 1.0 / rate_hz if rate_hz > 0 else 0.0
            soonest = self._clock() + self._period_s
            for slot in self._slots.values():  # planned with the old period, which may be minutes
                slot.next_due = min(slot.next_due, soonest)

    def put(self, camera: str, frame: FrameT) -> None:
        """Store the newest frame of a camera; a frame that still waited is dropped."""
        with self._changed:
            slot = self._slots[camera]
            slot.received += 1
            slot.in_flight += 1
            if not self._open:
                slot.settle(Outcome.INACTIVE)
            elif self._halted:
                slot.settle(Outcome.HALTED)
            elif slot.waiting is not None:
                slot.settle(Outcome.REPLACED)
                slot.waiting = frame
            elif self._period_s and self._clock() < slot.next_due:
                slot.settle(Outcome.RATE)
            else:
                slot.waiting = frame
                self._changed.notify()

    def refuse(self, camera: str, outcome: Outcome) -> None:
        """Count a frame that never enters the slot."""
        with self._changed:
            slot = self._slots[camera]
            slot.received += 1
            slot.outcomes[outcome] += 1

    def take(self) -> tuple[str, FrameT] | None:
        """Wait for a frame and return it with its camera; None once the mailbox has ended.

        The caller must `settle` it.
        """
        with self._changed:
            while not self._ended:
                for index, camera in enumerate(self._order):
                    slot = self._slots[camera]
                    if slot.waiting is not None:
                        frame, slot.waiting = slot.waiting, None
                        slot.next_due = self._due_after(slot.next_due)
                        self._order.append(self._order.pop(index))
                        return camera, frame
                self._changed.wait()
            return None

    def settle(self, camera: str, outcome: Outcome) -> None:
        """Count the outcome of a frame that was taken."""
        with self._changed:
            self._slots[camera].settle(outcome)
            self._changed.notify_all()

    def open(self) -> None:
        """Accept frames."""
        with self._changed:
            self._open = True

    def close(self, wait_s: float = 0.0) -> bool:
        """Accept no more frames and wait until the worker holds none; False if it still does."""
        with self._changed:
            self._open = False
            self._empty(Outcome.INACTIVE)
            return self._changed.wait_for(self._idle, wait_s)

    def halt(self) -> None:
        """Refuse frames until `resume`, waiting ones included."""
        with self._changed:
            self._halted = True
            self._empty(Outcome.HALTED)

    def resume(self) -> None:
        """Accept frames again."""
        with self._changed:
            self._halted = False

    def end(self) -> None:
        """Close for good and wake the worker, whose `take` then returns None."""
        with self._changed:
            self._ended = True
        self.close()
        with self._changed:
            self._changed.notify_all()

    def counts(self, camera: str) -> Counts:
        """Return consistent counts of a camera."""
        with self._changed:
            slot = self._slots[camera]
            return Counts(slot.received, slot.in_flight, Counter(slot.outcomes))

    def _due_after(self, due: float) -> float:
        """Move a due time on by a whole period, so that the limit is reached on average.

        Counted from now, a camera whose rate is not a multiple of the limit would stay below it.
        """
        now = self._clock()
        return due + self._period_s if due + self._period_s > now else now + self._period_s

    def _empty(self, outcome: Outcome) -> None:
        for slot in self._slots.values():
            if slot.waiting is not None:
                slot.waiting = None
                slot.settle(outcome)

    def _idle(self) -> bool:
        return all(slot.in_flight == 0 for slot in self._slots.values())
