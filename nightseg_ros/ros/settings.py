# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the segmentation node: this one table feeds code, YAML file and README."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from nightseg_ros.engines.select import ENGINES
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.routing import RoutingPolicy
from nightseg_ros.perception.routing_file import with_routing
from nightseg_ros.ros.parameter_table import Table, parameter
from nightseg_ros.routes import AUTO, CHOICES, ROUTES

_CAMERA = re.compile(r"[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*")
_DEFAULT = RoutingPolicy()


@dataclass(frozen=True)
class Settings(Table):
    """One consistent set of parameter values; made anew for each change, never altered."""

    cameras: tuple[str, ...] = parameter(
        (),
        "Names of the cameras. Camera NAME reads NAME/image and gives ~/NAME/mask; an empty list "
        "is one camera without a name, which reads image and gives ~/mask.",
    )
    input_transport: str = parameter(
        "raw",
        "Take images from CAMERA/image (raw) or from CAMERA/image/compressed.",
        choices=("raw", "compressed"),
    )
    models_dir: str = parameter(
        "", "Folder with the model folders; empty is $NIGHTSEG_MODELS or the installed models."
    )
    day_model: str = parameter(
        "", "Name of the day model; empty takes the only one there is, or erf_pspnet_day."
    )
    night_model: str = parameter(
        "", "Name of the night model; empty takes the only one there is, or erf_pspnet_night."
    )
    translator_model: str = parameter(
        "", "Name of the night-to-day translator; empty takes the only one, or night2day."
    )
    fused_model: str = parameter(
        "",
        "Name of the model of route fused, which costs two networks; empty is none. Route auto "
        "takes it only by a routing_policy that has a curve of it.",
    )
    public_key: str = parameter(
        "",
        "Run only models whose model.yaml is signed by the owner of this public key of minisign, "
        "with model.yaml.minisig beside it; empty asks for no signature.",
    )
    allowed_routes: tuple[str, ...] = parameter(
        ROUTES, "Routes that may be used; models of other routes are not loaded.", choices=ROUTES
    )
    allow_fallback: bool = parameter(
        False,
        "Go on without a model that is damaged or was asked for and is missing, and with another "
        "engine than the one that was named and cannot run, with a warning in log and "
        "diagnostics; otherwise configuring fails.",
    )
    engine: str = parameter(
        "auto",
        "Engine that runs the models; auto is the fastest that can run here, onnxruntime its "
        "fastest provider.",
        choices=ENGINES,
    )
    allow_build: bool = parameter(
        False,
        "Build an engine for the GPU that is not in the engine cache while configuring, which may "
        "take minutes; `nightseg build-engine` does it before.",
    )
    require_gpu: bool = parameter(False, "Fail to configure where an engine would run on the CPU.")
    threads: int = parameter(0, "CPU threads of an engine; 0 is one per core.", low=0, high=256)
    spinning: bool = parameter(
        False,
        "Let idle engine threads poll for work: a little faster, but it burns the cores that "
        "cameras and other nodes need.",
    )
    engine_timeout_s: float = parameter(
        10.0,
        "A frame that is under way for this long has a hung engine: it is left behind and replaced "
        "by a new one; 0 waits for ever.",
        low=0.0,
        high=3600.0,
        runtime=True,
    )
    max_failures: int = parameter(
        5,
        "After so many frames in a row that no route could segment, nothing is published until "
        "engines built anew work, which is tried at growing intervals.",
        low=1,
        high=1000,
        runtime=True,
    )
    max_hung_engines: int = parameter(
        2,
        "Hung engines that may be left behind at a time; each keeps its memory and a thread. With "
        "one more the node gives up until it is restarted, or one comes back.",
        low=0,
        high=100,
        runtime=True,
    )
    fake_delay_ms: float = parameter(
        0.0, "How long engine fake takes for a frame; for tests only.", low=0.0, high=60000.0
    )
    output_size: str = parameter(
        "input",
        "Size of masks: that of the input image, or that of the network (without its bars); "
        "~/camera_info is scaled to fit.",
        choices=("input", "network"),
    )
    output_reliability: str = parameter(
        "reliable",
        "Reliability of the image outputs; reliable serves every subscriber.",
        choices=("reliable", "best_effort"),
    )
    route: str = parameter(
        AUTO,
        "Route of every frame; auto decides by illumination and latency budget.",
        choices=CHOICES,
        runtime=True,
    )
    confidence_threshold: float = parameter(
        0.0,
        "Pixels of lower confidence become 255, unlabelled; 0 keeps all.",
        low=0.0,
        high=1.0,
        runtime=True,
    )
    max_rate_hz: float = parameter(
        0.0,
        "Frames per second and camera that are segmented at most; 0 is no limit.",
        low=0.0,
        high=1000.0,
        runtime=True,
    )
    latency_budget_ms: float = parameter(
        _DEFAULT.latency_budget_ms,
        "Route auto leaves out routes that take longer than this; 0 is no limit.",
        low=0.0,
        high=60000.0,
        runtime=True,
    )
    dark_below: float = parameter(
        _DEFAULT.dark_below,
        "Illumination (0 to 1) under which route auto takes the frame for night.",
        low=0.0,
        high=1.0,
        runtime=True,
    )
    bright_above: float = parameter(
        _DEFAULT.bright_above,
        "Illumination over which route auto takes the frame for day; between the two it stays "
        "with what it had.",
        low=0.0,
        high=1.0,
        runtime=True,
    )
    routing_policy: str = parameter(
        "",
        "File of `nightseg fit-routing` with the measured quality of each route over illumination, "
        "which route auto then goes by instead of dark_below and bright_above; empty is none.",
    )
    smoothing_s: float = parameter(
        _DEFAULT.smoothing_s,
        "Time over which illumination is averaged.",
        low=0.0,
        high=60.0,
        runtime=True,
    )
    min_dwell_s: float = parameter(
        _DEFAULT.min_dwell_s,
        "Route auto keeps a route at least this long.",
        low=0.0,
        high=3600.0,
        runtime=True,
    )
    lazy: bool = parameter(
        True,
        "Unsubscribe from a camera while nobody listens to its outputs; if false, every frame "
        "is segmented.",
        runtime=True,
    )
    no_image_warn_s: float = parameter(
        2.0,
        "Diagnostics warn when a camera was silent for this long.",
        low=0.1,
        high=3600.0,
        runtime=True,
    )
    diagnostics_period_s: float = parameter(
        1.0, "Time between two messages on /diagnostics.", low=0.05, high=60.0
    )
    diagnostics_max_allowed_processing_time_ms: float = parameter(
        500.0,
        "Diagnostics warn when a frame takes longer than this.",
        low=0.1,
        high=60000.0,
        runtime=True,
    )
    diagnostics_max_acceptable_consecutive_delay_ms: float = parameter(
        2000.0,
        "Diagnostics tell an error when frames take too long for this time without a break.",
        low=0.0,
        high=600000.0,
        runtime=True,
    )

    def __post_init__(self) -> None:
        faults = self.faults()
        for name in self.cameras:
            if not _CAMERA.fullmatch(name):
                faults.append(
                    f"cameras: '{name}' is no part of a topic name; use letters, digits and '_'"
                )
        if len(set(self.cameras)) < len(self.cameras):
            faults.append(f"cameras: {list(self.cameras)} names one twice")
        if self.route not in (AUTO, *self.allowed_routes) and self.route in ROUTES:
            faults.append(
                f"route: '{self.route}' is not among allowed_routes {list(self.allowed_routes)}"
            )
        if not faults:
            try:
                self.policy()
            except NightsegError as error:
                faults.append(str(error))
        if faults:
            raise NightsegError("; ".join(faults))

    def policy(self) -> RoutingPolicy:
        """Return what route auto goes by."""
        policy = RoutingPolicy(
            dark_below=self.dark_below,
            bright_above=self.bright_above,
            smoothing_s=self.smoothing_s,
            min_dwell_s=self.min_dwell_s,
            latency_budget_ms=self.latency_budget_ms,
            allowed=self.allowed_routes,
        )
        if not self.routing_policy:
            return policy
        return with_routing(policy, Path(self.routing_policy).expanduser())

    @property
    def camera_names(self) -> tuple[str, ...]:
        """The cameras; one without a name where none is listed."""
        return self.cameras or ("",)
