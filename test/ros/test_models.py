# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which models are loaded, what is refused, and where falling back is allowed."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from support.fake_models import calibrated

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19, label_set
from nightseg_ros.ros import models as models_module
from nightseg_ros.ros.models import load_models
from nightseg_ros.ros.settings import Settings


@pytest.fixture
def folder(tmp_path, write_models):
    return write_models(tmp_path / "models")


def load(folder, **changes):
    return load_models(Settings(models_dir=str(folder), engine="fake", **changes))


def damage(folder, name):
    with (folder / name / "model.onnx").open("ab") as file:
        file.write(b"more")


def test_all_that_the_routes_need_is_loaded(folder):
    models = load(folder)
    assert models.pipeline.routes == ("day", "night", "translate")
    assert models.labels.names == CITYSCAPES19.names
    assert models.fallbacks == ()
    assert models.unavailable == {}
    models.close()
    assert all(engine.closed for engine in models.pipeline.engines.values())


def test_models_of_other_routes_are_not_loaded(folder):
    damage(folder, "translator")
    models = load(folder, allowed_routes=("night",), route="night")
    assert list(models.bundles) == ["night"]


def test_route_auto_does_without_a_model_that_is_not_there(folder):
    shutil.rmtree(folder / "translator")
    models = load(folder)
    assert models.pipeline.routes == ("day", "night")
    assert models.unavailable == {
        "translate": "route translate is unavailable: there is no translator model"
    }
    assert models.fallbacks == ()


def test_damaged_model_is_refused_even_by_auto(folder):
    damage(folder, "night")
    with pytest.raises(
        NightsegError, match=r"night: sha256 of model\.onnx .* or set allow_fallback"
    ):
        load(folder)


def test_damaged_model_is_passed_over_loudly_where_allowed(folder):
    damage(folder, "night")
    models = load(folder, allow_fallback=True)
    assert models.pipeline.routes == ("day", "translate")
    assert len(models.fallbacks) == 1
    assert "sha256" in models.fallbacks[0]


def test_named_model_that_is_missing_is_refused(folder):
    with pytest.raises(NightsegError, match="no model 'best' in"):
        load(folder, night_model="best")
    assert load(folder, night_model="best", allow_fallback=True).fallbacks


@pytest.mark.parametrize("model", ["nihgt", "day", "/nowhere/night"])
def test_a_mistyped_model_is_to_be_put_right_and_not_fallen_back_from(folder, model):
    with pytest.raises(NightsegError) as caught:
        load(folder, night_model=model)
    assert "allow_fallback" not in str(caught.value)
    assert ("did you mean 'night'?" in str(caught.value)) == (model == "nihgt")


def test_a_model_may_be_named_by_its_folder(folder, tmp_path, write_models):
    own = write_models(tmp_path / "elsewhere", roles=("night",)) / "night"
    assert load(folder, night_model=str(own)).bundles["night"].path == own


def test_route_without_its_model_is_refused(folder):
    shutil.rmtree(folder / "translator")
    with pytest.raises(
        NightsegError, match="route translate is unavailable: there is no translator"
    ):
        load(folder, route="translate")
    models = load(folder, route="translate", allow_fallback=True)
    assert models.pipeline.settings.route == "auto"
    assert "auto replaces it" in models.fallbacks[0]


def test_route_that_fell_back_does_not_block_other_changes(folder):
    shutil.rmtree(folder / "translator")
    models = load(folder, route="translate", allow_fallback=True)
    settings = Settings(route="translate", confidence_threshold=0.5)
    models.apply(settings)
    assert models.pipeline.settings.route == "auto"
    assert models.pipeline.settings.confidence_threshold == 0.5


def test_a_target_error_needs_a_calibration_of_every_model_that_may_run(folder):
    with pytest.raises(NightsegError, match="the day and the night model is not; run `nightseg"):
        load(folder, target_error=0.1)
    calibrated(folder / "day")
    with pytest.raises(NightsegError, match="the night model is not"):
        load(folder, target_error=0.1)
    models = load(folder, target_error=0.1, route="day")
    assert models.pipeline.settings.target_error == 0.1


def test_route_that_the_models_cannot_serve_is_refused_later_too(folder):
    shutil.rmtree(folder / "translator")
    models = load(folder)
    before = models.pipeline.settings
    with pytest.raises(NightsegError, match="no models for route translate"):
        models.apply(Settings(route="translate"))
    assert models.pipeline.settings is before


def test_no_models_at_all(tmp_path):
    for allow_fallback in (False, True):
        with pytest.raises(NightsegError, match="no usable model in"):
            load(tmp_path, allow_fallback=allow_fallback)


def test_translator_alone_is_no_pipeline(folder):
    shutil.rmtree(folder / "day")
    shutil.rmtree(folder / "night")
    with pytest.raises(NightsegError, match="none of the models segments"):
        load(folder)


def test_models_of_different_classes_are_refused(folder, write_models):
    write_models(folder, roles=("night",), labels=label_set("joint11"))
    with pytest.raises(NightsegError, match="have different classes"):
        load(folder, allow_fallback=True)


def test_models_of_different_classes_are_joined_by_a_map(folder, write_models):
    write_models(folder, roles=("night",), labels=label_set("joint11"))
    models = load(folder, labels_as="joint11")
    assert models.labels == label_set("joint11")
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    assert models.pipeline.process(image).mask.max() < 11
    with pytest.raises(NightsegError, match="no map from label set 'cityscapes19' to 'camvid11'"):
        load(folder, labels_as="camvid11")


def test_network_sized_masks_need_models_of_one_size(folder, write_models):
    write_models(folder, roles=("night",), size=(32, 64))
    assert load(folder).pipeline.routes == ("day", "night", "translate")
    with pytest.raises(NightsegError, match="different sizes"):
        load(folder, output_size="network")


def test_engine_that_cannot_be_made_closes_the_others(folder, monkeypatch):
    made = []

    def create_engine(bundle, *args, **kwargs):
        if bundle.name == "night":
            raise NightsegError("label count is wrong")
        made.append(original(bundle, *args, **kwargs))
        return made[-1]

    original = models_module.create_engine
    monkeypatch.setattr(models_module, "create_engine", create_engine)
    with pytest.raises(NightsegError, match="label count"):
        load(folder)
    assert made
    assert all(engine.closed for engine in made)
    made.clear()
    models = load(folder, allow_fallback=True)
    assert models.pipeline.routes == ("day", "translate")
    assert models.fallbacks == ("label count is wrong",)


def test_required_gpu_is_not_given_up_for_a_fallback(folder):
    with pytest.raises(NightsegError, match=r"no model is left: .*GPU"):
        load(folder, require_gpu=True, allow_fallback=True)


def test_several_models_of_a_role_that_no_route_needs_are_fine(folder, write_models, tmp_path):
    write_models(tmp_path / "more")
    shutil.copytree(tmp_path / "more" / "night", folder / "other_night")
    assert list(load(folder, allowed_routes=("day",)).bundles) == ["day"]
    with pytest.raises(NightsegError, match="several bundles for 'night'"):
        load(folder)


def test_a_fused_model_is_loaded_only_where_it_is_named(folder, write_models):
    usual = load(folder)
    write_models(folder, roles=("fused",))
    found = load(folder)
    assert list(found.bundles) == list(usual.bundles) == ["day", "night", "translator"]
    assert found.unavailable == usual.unavailable == {}
    assert "fused" not in found.pipeline.routes
    named = load(folder, fused_model="fused")
    assert named.pipeline.routes == ("day", "night", "translate", "fused")
    assert list(load(folder, fused_model="fused", allowed_routes=("fused",)).bundles) == ["fused"]
    damage(folder, "fused")
    assert load(folder).fallbacks == ()
    with pytest.raises(NightsegError, match=r"fused: sha256 of model\.onnx"):
        load(folder, fused_model="fused")


def test_route_fused_needs_a_named_model(folder, write_models):
    write_models(folder, roles=("fused",))
    with pytest.raises(
        NightsegError, match="route fused is unavailable: fused_model names no model in"
    ):
        load(folder, route="fused")
    models = load(folder, route="fused", allow_fallback=True)
    assert models.pipeline.settings.route == "auto"
    assert "fused_model names no model; auto replaces" in models.fallbacks[0]
    with pytest.raises(NightsegError, match="no models for route fused"):
        load(folder).apply(Settings(route="fused"))
    with pytest.raises(NightsegError, match="no model 'best' in"):
        load(folder, fused_model="best")
    models = load(folder, fused_model="fused", route="fused")
    assert models.pipeline.settings.route == "fused"
