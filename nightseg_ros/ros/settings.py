# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the segmentation node: this one table feeds code, YAML file and page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from nightseg_ros.bundles.routes import AUTO, CHOICES, ROUTES
from nightseg_ros.engines.select import ENGINES
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.ground_points import LEVEL, STANDING
from nightseg_ros.perception.image_messages import MAX_PIXELS
from nightseg_ros.perception.routing import RoutingPolicy, with_routing
from nightseg_ros.ros.parameter_table import Table, parameter, tunable

_DEFAULT = RoutingPolicy()


@dataclass(frozen=True)
class Settings(Table):
    """One consistent, immutable set of parameter values; each change makes a new one."""

    cameras: tuple[str, ...] = parameter(
        (),
        "Names of the cameras. Camera NAME subscribes to NAME/image and publishes ~/NAME/mask; an "
        "empty list is one camera without a name: image and ~/mask.",
    )
    input_transport: str = parameter(
        "raw",
        "Subscribe to CAMERA/image (raw) or to CAMERA/image/compressed.",
        choices=("raw", "compressed"),
    )
    max_megapixels: float = tunable(
        20.0,
        "Reject larger images before they are decoded; decoding the largest takes a second or "
        "more.",
        (0.01, MAX_PIXELS / 1e6),
    )
    models_dir: str = parameter(
        "", "Folder of the model folders; empty is $NIGHTSEG_MODELS or the installed models."
    )
    day_model: str = parameter(
        "",
        "Name of the day model in models_dir, or its folder; empty selects the one that sees "
        "best within latency_budget_ms (without one: takes no longer than erf_pspnet_day).",
    )
    night_model: str = parameter(
        "",
        "Name of the night model in models_dir, or its folder; empty selects the one that sees "
        "best within latency_budget_ms (without one: takes no longer than erf_pspnet_night).",
    )
    translator_model: str = parameter(
        "",
        "Name of the night-to-day translator in models_dir, or its folder; empty selects the only "
        "one, or night2day.",
    )
    fused_model: str = parameter(
        "",
        "Name of the model of route fused in models_dir, or its folder; empty is none. The route "
        "runs two networks; auto uses it only with a routing_policy that has a curve for it.",
    )
    labels_as: str = parameter(
        "",
        "Label set of the masks, by name or the YAML file of one, so that models of different "
        "classes can be used together; maps must lead there. Empty is that of the models, which "
        "then must all have the same.",
    )
    public_key: str = parameter(
        "",
        "Load only models whose model.yaml has a valid signature model.yaml.minisig by this "
        "minisign public key; empty requires no signature.",
    )
    allowed_routes: tuple[str, ...] = parameter(
        ROUTES, "Routes that may be used; models of other routes are not loaded.", choices=ROUTES
    )
    allow_fallback: bool = parameter(
        False,
        "Continue without a model that is damaged or missing, and with another engine if the "
        "requested one cannot run, with a warning in log and diagnostics; if false, configuring "
        "fails.",
    )
    engine: str = parameter(
        "auto",
        "Engine that runs the models; auto is the fastest available one, onnxruntime its fastest "
        "available provider.",
        choices=ENGINES,
    )
    allow_build: bool = parameter(
        False,
        "While configuring, build an engine for the GPU that is not in the engine cache, which may "
        "take minutes; `nightseg build-engine` builds it in advance.",
    )
    require_gpu: bool = parameter(False, "Fail to configure if an engine would run on the CPU.")
    threads: int = parameter(0, "CPU threads of an engine; 0 is one per core.", (0, 256))
    spinning: bool = parameter(
        False,
        "Let idle engine threads poll for work: slightly faster, but it occupies cores that "
        "cameras and other nodes need.",
    )
    engine_timeout_s: float = tunable(
        10.0,
        "An engine that takes longer for a frame counts as hung: it is abandoned and replaced by a "
        "new one. If its trial run takes longer, configuring fails. 0 is no limit.",
        (0.0, 3600.0),
    )
    max_failures: int = tunable(
        5,
        "After this many frames in a row that no route could segment, the node publishes nothing "
        "until rebuilt engines work; it tries at growing intervals.",
        (1, 1000),
    )
    max_hung_engines: int = tunable(
        2,
        "Hung engines that may be abandoned at a time; each keeps its memory and a thread. With "
        "one more, the node gives up until it is restarted or one of them returns.",
        (0, 100),
    )
    fake_delay_ms: float = parameter(
        0.0, "Time that engine fake takes for a frame; for tests only.", (0.0, 60000.0)
    )
    output_size: str = parameter(
        "input",
        "Size of masks: that of the input image, or that of the network without its black bars; "
        "~/camera_info is scaled accordingly.",
        choices=("input", "network"),
    )
    output_reliability: str = parameter(
        "reliable",
        "QoS reliability of the image outputs; reliable matches every subscriber.",
        choices=("reliable", "best_effort"),
    )
    ground_frame: str = parameter(
        "base_footprint",
        "TF frame whose plane z = 0 is the ground for ~/points; its transform from the frame of "
        "the images is taken at their stamps.",
    )
    ground_classes: tuple[str, ...] = parameter(LEVEL, "Classes that are ground for ~/points.")
    standing_classes: tuple[str, ...] = parameter(
        STANDING, "Classes that stand on the ground: ~/points places them above their feet."
    )
    kerb_m: float = parameter(
        0.0, "Height of sidewalks above the ground, for ~/points.", (-0.5, 0.5)
    )
    farthest_m: float = parameter(
        15.0, "~/points places nothing that is farther ahead.", (1.0, 200.0)
    )
    rectified: bool = parameter(
        False,
        "The images are rectified: ~/points takes the matrix P of camera_info, not K and the "
        "distortion.",
    )
    route: str = tunable(
        AUTO,
        "Route of every frame; auto selects it by illumination and latency budget.",
        choices=CHOICES,
    )
    confidence_threshold: float = tunable(
        0.0, "Pixels with lower confidence become 255 (unlabelled); 0 keeps all.", (0.0, 1.0)
    )
    target_error: float = tunable(
        0.0,
        "Pixels become 255, the least certain ones first, until the expected share of wrong pixels "
        "among the rest of a frame is at most this; diagnostics say how many. Needs models with a "
        "calibration, see `nightseg calibrate`. 0 is off.",
        (0.0, 1.0),
    )
    stabilise: bool = tunable(
        False,
        "Hold masks still: a class that appears at a pixel for one frame only is not shown, unless "
        "it is certain. A new object may be one frame late.",
    )
    drop_invalid: bool = tunable(
        False,
        "Pixels become 255 where the camera does not show the scene, see ~/invalid_mask: hidden, "
        "blinded, or all of a camera that is covered or repeats a frame.",
    )
    max_rate_hz: float = tunable(
        0.0, "Most frames segmented per second and camera; 0 is no limit.", (0.0, 1000.0)
    )
    latency_budget_ms: float = tunable(
        _DEFAULT.latency_budget_ms,
        "Route auto leaves out routes that take longer; 0 is no limit.",
        (0.0, 60000.0),
    )
    dark_below: float = tunable(
        _DEFAULT.dark_below,
        "Route auto treats a frame with lower illumination (0 to 1) as night.",
        (0.0, 1.0),
    )
    bright_above: float = tunable(
        _DEFAULT.bright_above,
        "Route auto treats a frame with higher illumination (0 to 1) as day; between the two it "
        "keeps its last decision.",
        (0.0, 1.0),
    )
    routing_policy: str = parameter(
        "",
        "File of `nightseg fit-routing` with the measured quality of each route over illumination; "
        "route auto uses it instead of dark_below and bright_above. Empty is none.",
    )
    smoothing_s: float = tunable(
        _DEFAULT.smoothing_s, "Time constant of the average of illumination.", (0.0, 60.0)
    )
    min_dwell_s: float = tunable(
        _DEFAULT.min_dwell_s, "Route auto keeps a route for at least this time.", (0.0, 3600.0)
    )
    lazy: bool = tunable(
        True,
        "Unsubscribe from a camera while its outputs have no subscribers; if false, every frame "
        "is segmented.",
    )
    no_image_warn_s: float = tunable(
        2.0, "Diagnostics warn if no image arrives for this time.", (0.1, 3600.0)
    )
    diagnostics_period_s: float = tunable(
        1.0, "Time between two messages on /diagnostics.", (0.05, 60.0)
    )
    diagnostics_max_allowed_processing_time_ms: float = tunable(
        500.0, "Diagnostics warn if a frame takes longer.", (0.1, 60000.0)
    )
    diagnostics_max_acceptable_consecutive_delay_ms: float = tunable(
        2000.0,
        "Diagnostics report an error if frames keep taking too long for this time.",
        (0.0, 600000.0),
    )

    def __post_init__(self) -> None:
        # Combinations are checked only where each value has its type and is in its range.
        if faults := self.faults() or self._contradictions():
            raise NightsegError("; ".join(faults))

    def _contradictions(self) -> list[str]:
        faults = camera_faults(self.cameras)
        if self.route not in (AUTO, *self.allowed_routes):
            faults.append(
                f"route: '{self.route}' is not among allowed_routes {list(self.allowed_routes)}"
            )
        try:
            self.policy()
        except NightsegError as error:
            faults.append(str(error))
        return faults

    def policy(self) -> RoutingPolicy:
        """Return the policy of route auto."""
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
        """The names of the cameras; one empty name where none is listed."""
        return self.cameras or ("",)


LONGEST_CAMERA = 100
"""Characters in the name of a camera; ROS allows at most 247 in a topic."""
_CAMERA = re.compile(r"[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*")


def camera_faults(cameras: tuple[str, ...]) -> list[str]:
    """Return the faults of camera names."""
    faults = []
    for name in cameras:
        if not name:
            faults.append("cameras: one of several has no name; name each, or list none")
        elif not _CAMERA.fullmatch(name):
            faults.append(
                f"cameras: '{name}' is not part of a topic name; use letters, digits and '_'"
            )
        elif len(name) > LONGEST_CAMERA:
            faults.append(
                f"cameras: '{name[:10]}...' has {len(name)} characters; "
                f"use {LONGEST_CAMERA} at most"
            )
    if len(set(cameras)) < len(cameras):
        faults.append(f"cameras: {list(cameras)} contains a name twice")
    return faults
