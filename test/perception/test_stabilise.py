# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What flickers is held, what is new comes one frame late at most, and nothing outlives a cut."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings
from nightseg_ros.perception.stabilise import CUT, GAP_S, Stabiliser

Image = NDArray[np.uint8]
HW = (144, 256)
ROAD, CAR, SKY = 0, 13, 10


def street() -> Image:
    """Return a picture that optical flow can follow."""
    rough = np.random.default_rng(1).integers(40, 200, (30, 60, 3), np.uint8)
    return np.asarray(cv2.resize(rough, (400, 200), interpolation=cv2.INTER_CUBIC), np.uint8)


def view(scene: Image, at: int = 0) -> Image:
    return np.ascontiguousarray(scene[: HW[0], at : at + HW[1]])


class Camera:
    """A stabiliser that gets a frame each tenth of a second."""

    def __init__(self) -> None:
        self.stabiliser, self.stamp_s = Stabiliser(), 0.0

    def show(
        self, mask: Image, certain: int = 150, image: Image | None = None, route: str = "day"
    ) -> Image:
        self.stamp_s += 0.1
        shown = view(street()) if image is None else image
        return self.stabiliser.update(
            shown, mask, np.full(mask.shape, certain, np.uint8), route, self.stamp_s
        )


def whole(label: int, hw: tuple[int, int] = HW) -> Image:
    return np.full(hw, label, np.uint8)


def test_what_appears_for_one_frame_is_not_shown() -> None:
    camera = Camera()
    for label, certain in ((ROAD, 150), (CAR, 100), (ROAD, 150), (CAR, 130), (ROAD, 120)):
        assert (camera.show(whole(label), certain) == ROAD).all()


def test_a_class_that_is_seen_twice_is_shown_with_the_second_frame() -> None:
    camera = Camera()
    camera.show(whole(ROAD), 255)
    assert (camera.show(whole(CAR), 1) == ROAD).all()
    assert (camera.show(whole(CAR), 1) == CAR).all()


def test_a_class_that_is_certain_is_shown_at_once() -> None:
    camera = Camera()
    camera.show(whole(ROAD), 150)
    assert (camera.show(whole(CAR), 200) == CAR).all()


def test_evidence_decays() -> None:
    """Classes that never repeat are held off, but not for ever."""
    camera = Camera()
    camera.show(whole(ROAD), 255)
    shown = [int(camera.show(whole(label), 120)[0, 0]) for label in range(1, 12)]
    assert shown[0] == ROAD
    assert shown[-1] != ROAD


@pytest.mark.parametrize("step", [3, 8])
def test_what_is_held_moves_with_the_picture(step: int) -> None:
    """A car that moves through the image is held where it is now, not where it was."""
    scene, labels = street(), np.zeros((200, 400), np.uint8)
    labels[60:100, 120:180] = CAR
    camera = Camera()
    for index in range(3):
        camera.show(view(labels, step * index), image=view(scene, step * index))
    shown = camera.show(whole(ROAD), 60, image=view(scene, 3 * step))
    due = view(labels, 3 * step)
    shared = np.count_nonzero((shown == CAR) & (due == CAR))
    either = np.count_nonzero((shown == CAR) | (due == CAR))
    assert shared > 0.9 * either


def test_what_comes_in_at_the_border_is_shown_at_once() -> None:
    scene, camera = street(), Camera()
    camera.show(whole(ROAD), 255, image=view(scene))
    shown = camera.show(whole(CAR), 20, image=view(scene, 10))
    assert (shown[20:-20, -6:] == CAR).mean() > 0.9
    assert (shown[20:-20, 20:-20] == ROAD).mean() > 0.9


def forgotten(camera: Camera, **changed: object) -> bool:
    """Return whether a class that is not certain is shown at once."""
    return bool((camera.show(whole(CAR), 20, **changed) == CAR).all())  # type: ignore[arg-type]


def seen_road() -> Camera:
    camera = Camera()
    camera.show(whole(ROAD), 255)
    camera.show(whole(ROAD), 255)
    return camera


def test_a_cut_starts_afresh() -> None:
    assert not forgotten(seen_road())
    assert forgotten(seen_road(), image=np.full((*HW, 3), 255, np.uint8))


def test_less_than_a_cut_replaces_only_what_changed() -> None:
    image = view(street())
    rows = int(CUT * HW[0] * 0.6)
    image[:rows] = 255
    shown = seen_road().show(whole(CAR), 20, image=image)
    assert (shown[: rows - 10] == CAR).mean() > 0.9
    assert (shown[rows + 10 :] == ROAD).mean() > 0.9


@pytest.mark.parametrize("jump_s", [-1.0, GAP_S + 0.1, 3600.0])
def test_a_jump_of_stamps_starts_afresh(jump_s: float) -> None:
    camera = seen_road()
    camera.stamp_s += jump_s
    assert forgotten(camera)


def test_another_route_starts_afresh() -> None:
    assert forgotten(seen_road(), route="night")


@pytest.mark.parametrize("hw", [(8, 8), (24, 40), (37, 300), (300, 37)])
def test_every_size_works_and_another_one_starts_afresh(hw: tuple[int, int]) -> None:
    camera, image = seen_road(), np.full((*hw, 3), 90, np.uint8)
    assert (camera.show(whole(SKY, hw), 9, image=image) == SKY).all()
    assert (camera.show(whole(CAR, hw), 5, image=image) == SKY).mean() > 0.7


def test_what_the_caller_does_to_a_mask_does_not_come_back() -> None:
    camera = Camera()
    camera.show(whole(ROAD), 200)[:] = 255
    assert (camera.show(whole(CAR), 100) == ROAD).all()


def flickering(pipeline: Pipeline, camera: str = "", **times: float) -> list[int]:
    """Return what is shown of two frames, the class of the second not certain."""
    shown = []
    for green, red in ((0, 130), (8, 110)):
        image = np.full((24, 40, 3), (red, green, 0), np.uint8)
        shown.append(int(pipeline.process(image, "rgb", camera, **times).mask[12, 20]))
    return shown


def test_the_pipeline_holds_masks_of_each_camera_where_asked() -> None:
    """The class of the fake engine is green // 8, its confidence is red."""
    engines = {"day": FakeEngine((24, 40), 19)}
    held = PipelineSettings(route="day", stabilise=True)
    assert flickering(Pipeline(engines, PipelineSettings(route="day"))) == [0, 1]
    pipeline = Pipeline(engines, held)
    assert flickering(pipeline, "left") == [0, 0]
    assert flickering(pipeline, "right") == [0, 0]
    assert pipeline.process(np.full((24, 40, 3), (9, 8, 0), np.uint8), "rgb", "new").mask.all()


def test_the_pipeline_forgets_on_request_and_when_it_is_switched_off() -> None:
    pipeline = Pipeline(
        {"day": FakeEngine((24, 40), 19)}, PipelineSettings(route="day", stabilise=True)
    )
    other, third = (np.full((24, 40, 3), (100, green, 0), np.uint8) for green in (16, 24))
    assert flickering(pipeline) == [0, 0]
    pipeline.forget("")
    assert (pipeline.process(other, "rgb").mask == 2).all()
    pipeline.forget("")
    assert flickering(pipeline) == [0, 0]
    pipeline.settings = PipelineSettings(route="day")
    assert (pipeline.process(other, "rgb").mask == 2).all()
    pipeline.settings = PipelineSettings(route="day", stabilise=True)
    assert (pipeline.process(third, "rgb").mask == 3).all()


def test_the_stamp_of_a_frame_counts_not_the_clock() -> None:
    pipeline = Pipeline(
        {"day": FakeEngine((24, 40), 19)}, PipelineSettings(route="day", stabilise=True)
    )
    image = np.full((24, 40, 3), (130, 0, 0), np.uint8)
    other = np.full((24, 40, 3), (110, 8, 0), np.uint8)
    pipeline.process(image, "rgb", now_s=5.0, stamp_s=1.0)
    assert (pipeline.process(other, "rgb", now_s=50.0, stamp_s=1.1).mask == 0).all()
    assert (pipeline.process(image, "rgb", now_s=50.1, stamp_s=9.0).mask == 0).all()
    assert (pipeline.process(other, "rgb", now_s=50.1, stamp_s=0.5).mask == 1).all()
