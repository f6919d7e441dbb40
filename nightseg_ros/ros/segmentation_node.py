# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The segmentation node: a managed lifecycle around cameras, mailbox, worker and outputs.

unconfigured --configure--> inactive        models loaded, verified and warm; topics exist
inactive     --activate---> active          cameras are subscribed while outputs have subscribers
active       --deactivate-> inactive        no frame is taken or in flight; models stay loaded
inactive     --cleanup----> unconfigured    engines freed, topics removed
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.clock import Clock, ClockType, JumpHandle, JumpThreshold, TimeJump  # type: ignore[attr-defined]
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.status import ERROR, OK, WARN, Report
from nightseg_ros.ros.callback_errors import CallbackErrors
from nightseg_ros.ros.diagnostics import Diagnostics
from nightseg_ros.ros.discovery import has_mismatch
from nightseg_ros.ros.logs import ThrottledLog
from nightseg_ros.ros.parameters import Parameters
from nightseg_ros.ros.process import run_node
from nightseg_ros.ros.qos import MATCHED_EVENTS
from nightseg_ros.ros.reports import qos_report
from nightseg_ros.ros.session import Session
from nightseg_ros.ros.settings import Settings

NAME = "segmentation_node"
POLL_S = 1.0 if MATCHED_EVENTS else 0.2
"""How often to check for subscribers; seldom where the middleware reports them by events."""
ENGINE_WAIT_S = 10.0
DUPLICATE_S = 30.0
"""Longer than the 20 s for which the graph keeps a killed node, which is not a duplicate."""
NOTICE_S = 5.0
"""A mismatch counts this long even if the graph does not know the other end yet."""

SUCCESS, FAILURE, FAULT = (
    TransitionCallbackReturn.SUCCESS,
    TransitionCallbackReturn.FAILURE,
    TransitionCallbackReturn.ERROR,
)


class SegmentationNode(LifecycleNode):
    """Segments the images of one or many cameras with one set of models."""

    def __init__(self, name: str = NAME, **options: Any) -> None:
        """Declare the parameters; `options` are those of rclpy's Node."""
        super().__init__(name, **options)
        self._session: Session | None = None
        self._jump_handle: JumpHandle | None = None
        self._phase = "unconfigured"
        self._failure = ""
        self._last_unique_s = time.monotonic()
        self._notices: dict[str, tuple[str, float]] = {}
        self._log_error = ThrottledLog(self.get_logger().error)
        self.callback_errors = CallbackErrors(self.get_logger().error)
        try:
            self._settings_table = Parameters(
                self, self._accept, self._on_settings, Settings, self._in_use
            )
        except NightsegError:
            self.destroy_node()
            raise
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._look_timer = self.create_timer(POLL_S, self._update_subscriptions, clock=steady)
        self._diagnostics = Diagnostics(self, self.settings.diagnostics_period_s, self._reports)
        backwards = JumpThreshold(
            min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=True
        )
        self._jump_handle = self.get_clock().create_jump_callback(
            backwards, post_callback=self._on_jump
        )

    @property
    def settings(self) -> Settings:
        """The parameters as they are now."""
        return self._settings_table.settings

    @property
    def session(self) -> Session | None:
        """All that exists between configure and cleanup."""
        return self._session

    # Lifecycle. rclpy swallows what these raise, so each logs its own errors.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load, verify and warm up the models, and create the topics."""

        def configure() -> None:
            self._release()
            self._session = Session(
                self,
                lambda: self.settings,
                self._log_error,
                self._notice,
                self._update_subscriptions,
                lambda report: self._diagnostics.send([report]),
            )
            self._phase = "inactive"
            self._diagnostics.hardware = self._session.hardware
            self.get_logger().info(f"configured: {self._session.summary()}")

        return self._transition("configure", configure, super().on_configure, state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Accept frames from now on."""
        enable, disable = super().on_activate, super().on_deactivate

        def activate() -> None:
            if self._session is None:
                raise NightsegError("there are no models; configure first")
            enable(state)  # first, since activation publishes the labels
            self._phase = "active"
            try:
                self._session.activate()
                self._session.update_subscriptions(active=True)
            except BaseException:
                self._pause()
                disable(state)
                raise

        return self._transition("activate", activate, lambda _: SUCCESS, state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Accept no more frames and finish the one in flight."""
        return self._transition("deactivate", self._pause, super().on_deactivate, state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the engines and remove the topics from the graph."""
        return self._transition("clean up", self._release, super().on_cleanup, state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything at shutdown, from any state."""
        return self._transition("shut down", self._release, super().on_shutdown, state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, so that the node can be configured again; keep the cause."""
        failure = self._failure
        outcome = self._transition("recover", self._release, super().on_error, state)
        self._failure = "; ".join(text for text in (failure, self._failure) if text)
        return outcome

    def destroy_node(self) -> None:
        """Stop the worker before the node whose publishers it uses."""
        self._release()
        if self._jump_handle is not None:
            self._jump_handle.unregister()
            self._jump_handle = None
        super().destroy_node()
        # rclpy would keep it, and with it the node in the graph, until Python collects its garbage.
        self.__dict__.pop("_state_machine", None)

    def _transition(
        self,
        name: str,
        action: Callable[[], None],
        inherited: Callable[[LifecycleState], TransitionCallbackReturn],
        state: LifecycleState,
    ) -> TransitionCallbackReturn:
        try:
            action()
            self._failure = ""
            return inherited(state)
        except NightsegError as error:
            self._failure = f"could not {name}: {error}"
            outcome = FAILURE
        except Exception as error:
            self._failure = f"could not {name}: {type(error).__name__}: {error}"
            self.get_logger().error(traceback.format_exc())
            outcome = FAULT
        self.get_logger().error(self._failure)
        return outcome

    def _pause(self) -> None:
        if self._session is not None and self._phase == "active":
            self._phase = "inactive"
            self._session.deactivate(0.0)
            self._update_subscriptions()
            if not self._session.deactivate(ENGINE_WAIT_S):
                self.get_logger().error(
                    f"the engine has not returned for {ENGINE_WAIT_S:g} s; "
                    "its late result will not be published"
                )

    def _release(self) -> None:
        session, self._session = self._session, None
        self._phase = "unconfigured"
        self._notices.clear()
        if session is None:
            return
        try:
            session.close(ENGINE_WAIT_S)
        except NightsegError as error:  # the rest is free, and the node can continue
            self.get_logger().error(str(error))

    # Events, all in the executor's thread.

    def _update_subscriptions(self) -> None:
        """Subscribe to the cameras whose outputs have subscribers, unsubscribe from the others."""
        if self._session is None:
            return
        try:
            self._session.update_subscriptions(active=self._phase == "active")
        except NightsegError as error:  # in a timer or event it would end the node
            self._log_error("cameras", str(error))

    def _accept(self, settings: Settings) -> None:
        if self._session is not None:
            self._session.models.apply(settings)

    def _in_use(self) -> str:
        if self._session is None:
            return ""
        return "read by configure only: clean up (lifecycle), set it, and configure again"

    def _on_settings(self, settings: Settings) -> None:
        self._diagnostics.set_period(settings.diagnostics_period_s)
        if self._session is not None:
            self._session.apply(settings, active=self._phase == "active")
            self._update_subscriptions()

    def _on_jump(self, _: TimeJump) -> None:
        if self._session is not None:
            self._session.forget_order()

    def _notice(self, topic: str, text: str) -> None:
        self._notices[topic] = (text, time.monotonic())
        self._log_error(topic, text)

    def _current_notices(self) -> dict[str, str]:
        """Return the mismatches that still exist; the middleware reports only their start."""
        for topic, (_, since_s) in list(self._notices.items()):
            if time.monotonic() - since_s > NOTICE_S and not has_mismatch(self, topic):
                del self._notices[topic]
        return {topic: text for topic, (text, _) in self._notices.items()}

    def _lifecycle_report(self) -> Report:
        """Report the state, and other nodes with the same name, whose masks would mix with ours."""
        level, message = (ERROR, self._failure) if self._failure else (OK, self._phase)
        own = (self.get_name(), self.get_namespace())
        count = self.get_node_names_and_namespaces().count(own)
        if count < 2:
            self._last_unique_s = time.monotonic()
        elif time.monotonic() - self._last_unique_s > DUPLICATE_S:
            full = self.get_fully_qualified_name()
            level = max(level, WARN)
            message += f"; {count} nodes are called {full}: end or rename all but one"
        return Report("lifecycle", level, message, logged=bool(self._failure))

    def _reports(self) -> list[Report]:
        reports = [self._lifecycle_report(), self.callback_errors.report()]
        if self._session is not None:
            reports += self._session.reports(active=self._phase == "active")
            reports.append(qos_report(self._current_notices()))
        return reports


def main(argv: Sequence[str] | None = None) -> int:
    """Run the node; the exit code of the executable."""
    return run_node(SegmentationNode, argv, description="Segment the images of cameras.")
