# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the doctor finds on machines of all kinds, each made up here, and what it advises."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from nightseg_ros.bundles.write import write_bundle
from nightseg_ros.cli import doctor, doctor_engines, doctor_machine, doctor_middleware, doctor_ros
from nightseg_ros.cli import main as cli
from nightseg_ros.cli.doctor_checks import FAIL, OK, WARN, Finding, load
from nightseg_ros.engines.cache.store import EngineCache, EngineKey
from nightseg_ros.labels.label_set import CITYSCAPES19

CUDA, CPU = doctor_machine.CUDA, doctor_machine.CPU
PROFILE_2, PROFILE_3 = "FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith(
            ("FASTDDS", "FASTRTPS", "CYCLONE", "ZENOH", "RMW_", "ROS_DISTRO", "ROS_AUTO")
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ROS_DISTRO", "kilted")


def write_model(folder, name, route="day", metrics=None):
    write_bundle(
        folder / name,
        b"no network",
        name=name,
        kind="segmentation",
        route=route,
        height=48,
        width=64,
        metrics=metrics,
        labels=CITYSCAPES19,
    )


@pytest.fixture
def models(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("NIGHTSEG_MODELS", str(folder))
    return folder


def levels(findings):
    return [finding.level for finding in findings]


def test_what_is_not_ok_has_a_remedy():
    with pytest.raises(AssertionError, match="gpu needs a remedy"):
        Finding("gpu", WARN, "hot")


def test_a_module_that_breaks_is_reported_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "nightseg_broken.py").write_text("raise RuntimeError('built for\\nanother numpy')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load("nightseg_broken") == "RuntimeError: built for another numpy"
    assert isinstance(load("json"), ModuleType)


def test_good_models_are_named(models):
    write_model(models, "sun")
    write_model(models, "moon", "night")
    held, day, night = doctor_machine.check_models()
    assert (held.level, day.level, night.level) == (OK, OK, OK)
    assert "2 usable" in held.text
    assert day.text == "day: sun; sun is used where none is named"
    assert night.text == "night: moon; moon is used where none is named"


def test_broken_and_missing_models_are_reported(models):
    write_model(models, "sun")
    write_model(models, "second")
    write_model(models, "moon", "night")
    (models / "moon" / "model.onnx").write_bytes(b"changed")
    broken, held, many, missing = doctor_machine.check_models()
    assert broken.level == FAIL
    assert "moon" in broken.text
    assert held.level == OK
    assert (many.level, many.remedy) == (WARN, "name one: the parameter day_model")
    assert missing.level == WARN
    assert "no night model" in missing.text


def test_several_models_are_fine_where_one_is_the_default(models):
    for name in ("erf_pspnet_day", "erf_pspnet_fast_day", "mine"):
        write_model(models, name)
    write_model(models, "moon", "night")
    findings = doctor_machine.check_models()
    assert levels(findings) == [OK, OK, OK]
    assert findings[1].text.endswith("; erf_pspnet_day is used where none is named")


def test_accuracy_and_time_stand_side_by_side(models):
    metrics = {"bdd_night_val": {"miou": 43.21}, "milliseconds": {"onnxruntime-cpu": 34.0}}
    write_model(models, "moon", "night", metrics=metrics)
    assert "night: moon (43.2 mIoU, 34 ms); moon" in doctor_machine.check_models()[1].text


def test_no_models_is_a_failure(models, monkeypatch):
    (finding,) = doctor_machine.check_models()
    assert (finding.level, str(models) in finding.text) == (FAIL, True)
    monkeypatch.setenv("NIGHTSEG_MODELS", str(models / "nowhere"))
    (finding,) = doctor_machine.check_models()
    assert finding.level == FAIL
    assert "NIGHTSEG_MODELS" in finding.remedy


def runtime(monkeypatch, *, listed=(CPU,), created=CPU, gpu="", distributions=("onnxruntime",)):
    """Pretend to have an ONNX Runtime, a GPU and pip packages."""

    class Session:
        def __init__(self, model, options, providers):
            if created is None:
                raise RuntimeError("no libcudart")
            assert providers == [CUDA, CPU]

        def get_providers(self):
            return [created]

    fake = SimpleNamespace(
        __version__="1.2.3",
        get_available_providers=lambda: list(listed),
        InferenceSession=Session,
        SessionOptions=SimpleNamespace,
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    monkeypatch.setattr(doctor_machine, "gpu", lambda: gpu)
    monkeypatch.setattr(doctor_machine, "_installed", lambda name: name in distributions)
    (finding,) = doctor_machine.check_onnxruntime()
    return finding


def test_the_provider_is_read_back_not_believed(monkeypatch):
    assert runtime(monkeypatch).level == OK
    found = runtime(monkeypatch, listed=(CUDA, CPU), created=CUDA, gpu="H")
    assert (found.level, found.text) == (OK, f"ONNX Runtime 1.2.3, runs on {CUDA}")
    found = runtime(monkeypatch, listed=(CUDA, CPU), created=CPU, gpu="H")
    assert (found.level, "cuDNN" in found.remedy) == (FAIL, True)
    found = runtime(monkeypatch, listed=(CUDA, CPU), created=None, gpu="H")
    assert (found.level, "no libcudart" in found.text) == (FAIL, True)
    assert runtime(monkeypatch, listed=(CUDA, CPU), created=CPU).level == OK


def test_a_gpu_that_is_not_used_is_a_warning(monkeypatch):
    found = runtime(monkeypatch, gpu="NVIDIA something")
    assert (found.level, "onnxruntime-gpu" in found.remedy) == (WARN, True)
    assert "JetPack" in runtime(monkeypatch, gpu="Jetson: Orin").remedy
    both = ("onnxruntime", "onnxruntime-gpu")
    assert runtime(monkeypatch, distributions=both).level == WARN


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_the_tiny_network_runs_on_the_real_runtime():
    ort = pytest.importorskip("onnxruntime")
    assert CPU in doctor_machine._provider(ort)


def test_a_missing_runtime_and_opencv_are_failures(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (finding,) = doctor_machine.check_onnxruntime()
    assert (finding.level, finding.remedy) == (FAIL, "pip install onnxruntime")
    monkeypatch.setitem(sys.modules, "cv2", None)
    (finding,) = doctor_machine.check_opencv()
    assert (finding.level, "opencv-python-headless" in finding.remedy) == (FAIL, True)


def test_nvidia_smi_is_asked(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA Thing, 580.1'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert doctor_machine.gpu() == "NVIDIA Thing; driver 580.1"


def transport(monkeypatch, **env):
    for name, value in env.items():
        monkeypatch.setenv(name, str(value))
    found = doctor_ros.check_transport()
    for name in env:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ROS_DISTRO", "kilted")
    return found[0] if found else None


def test_the_transport_of_large_images(monkeypatch, tmp_path):
    bare = transport(monkeypatch)
    assert bare.level == WARN
    assert f"export {PROFILE_3}=" in bare.remedy
    assert bare.remedy.endswith("fastdds_large_images.xml")
    assert f"export {PROFILE_2}=" in transport(monkeypatch, ROS_DISTRO="humble").remedy

    profile = tmp_path / "mine.xml"
    profile.write_text("<profiles/>")
    assert transport(monkeypatch, **{PROFILE_3: profile}).level == OK
    assert transport(monkeypatch, ROS_DISTRO="jazzy", **{PROFILE_2: profile}).level == OK
    wrong = transport(monkeypatch, ROS_DISTRO="jazzy", **{PROFILE_3: profile})
    assert (wrong.level, wrong.remedy) == (WARN, f"export {PROFILE_2}={profile}")
    assert transport(monkeypatch, **{PROFILE_3: tmp_path / "nowhere.xml"}).level == FAIL


def test_builtin_transports(monkeypatch):
    builtin = "FASTDDS_BUILTIN_TRANSPORTS"
    assert transport(monkeypatch, **{builtin: "LARGE_DATA"}).level == OK
    assert transport(monkeypatch, **{builtin: "UDPv4"}).level == WARN
    old = transport(monkeypatch, ROS_DISTRO="jazzy", **{builtin: "LARGE_DATA"})
    assert (old.level, old.remedy.startswith(f"unset {builtin}; export {PROFILE_2}=")) == (
        WARN,
        True,
    )
    local = {builtin: "LARGE_DATA", "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    assert transport(monkeypatch, **local).level == WARN
    assert transport(monkeypatch, RMW_IMPLEMENTATION="rmw_cyclonedds_cpp") is None


def test_memory_for_images(monkeypatch, tmp_path):
    buffer = tmp_path / "rmem_max"
    buffer.write_text("212992\n")
    monkeypatch.setattr(doctor_ros, "RECEIVE_BUFFER", buffer)
    monkeypatch.setattr(
        doctor_ros.shutil, "disk_usage", lambda path: SimpleNamespace(free=64 << 20)
    )
    small, low = doctor_ros.check_memory()
    assert (small.level, "--shm-size" in small.remedy) == (WARN, True)
    assert (low.level, "rmem_max" in low.remedy) == (WARN, True)
    buffer.write_text("33554432\n")
    monkeypatch.setattr(doctor_ros.shutil, "disk_usage", lambda path: SimpleNamespace(free=4 << 30))
    assert levels(doctor_ros.check_memory()) == [OK, OK]


def cyclone(monkeypatch, uri):
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_cyclonedds_cpp")
    monkeypatch.setenv("CYCLONEDDS_URI", str(uri))
    (finding,) = doctor_middleware.check_cyclone_dds()
    assert doctor_middleware.check_zenoh() == doctor_ros.check_transport() == []
    return finding


def test_the_receive_buffer_of_cyclone_dds(monkeypatch, tmp_path):
    buffer, file = tmp_path / "rmem_max", tmp_path / "cyclone.xml"
    monkeypatch.setattr(doctor_middleware, "RECEIVE_BUFFER", buffer)
    buffer.write_text("212992\n")
    bare = cyclone(monkeypatch, "")
    assert (bare.level, "rmem_max" in bare.remedy) == (WARN, True)
    assert cyclone(monkeypatch, f"file://{file}").level == FAIL
    file.write_text('<Internal><SocketReceiveBufferSize min="10MB" max="20MB"/></Internal>')
    refused = cyclone(monkeypatch, f"file://{file}")
    assert (refused.level, "10485760 bytes and gets 425984" in refused.text) == (FAIL, True)
    buffer.write_text("33554432\n")
    assert cyclone(monkeypatch, f"file://{file}").level == OK
    inline = bare.remedy.partition("CYCLONEDDS_URI=")[2].strip("'")
    assert cyclone(monkeypatch, inline).level == OK


def zenoh(monkeypatch, **env):
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_zenoh_cpp")
    for name in ("CONFIG_OVERRIDE", "SESSION_CONFIG_URI", "ROUTER_CHECK_ATTEMPTS"):
        monkeypatch.setenv(f"ZENOH_{name}", str(env.get(name, "")))
    (finding,) = doctor_middleware.check_zenoh()
    assert doctor_middleware.check_cyclone_dds() == doctor_ros.check_transport() == []
    return finding


def test_the_router_of_zenoh(monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(doctor_middleware, "ROUTER", server.getsockname())
        assert zenoh(monkeypatch).level == OK
    nobody = zenoh(monkeypatch)
    assert (nobody.level, "rmw_zenohd" in nobody.remedy) == (WARN, True)
    assert "for ever" not in nobody.text
    assert "for ever" in zenoh(monkeypatch, ROUTER_CHECK_ATTEMPTS="0").text
    assert zenoh(monkeypatch, CONFIG_OVERRIDE="scouting/multicast/enabled=true").level == OK
    assert zenoh(monkeypatch, SESSION_CONFIG_URI=tmp_path / "none.json5").level == FAIL


def test_without_ros(monkeypatch):
    for name in ("rclpy", "rclpy.utilities", "sensor_msgs.msg", "vision_msgs.msg"):
        monkeypatch.setitem(sys.modules, name, None)
    (finding,) = doctor_ros.check_ros()
    assert (finding.level, "setup.bash" in finding.remedy) == (FAIL, True)
    assert doctor_ros.check_rmw() == []
    assert doctor_ros.check_extras() == []


def test_missing_messages_and_another_middleware(monkeypatch):
    rmw = ["rmw_connextdds"]

    def identifier():
        if rmw[0] is None:
            raise RuntimeError("librmw_other.so not found")
        return rmw[0]

    monkeypatch.setitem(sys.modules, "rclpy", ModuleType("rclpy"))
    fake = SimpleNamespace(get_rmw_implementation_identifier=identifier)
    monkeypatch.setitem(sys.modules, "rclpy.utilities", fake)
    for name in doctor_ros.MESSAGES:
        monkeypatch.setitem(sys.modules, f"{name}.msg", ModuleType(name))
    assert levels(doctor_ros.check_ros()) == [OK]
    monkeypatch.setitem(sys.modules, "std_msgs.msg", None)
    (finding,) = doctor_ros.check_ros()
    assert (finding.level, "std_msgs" in finding.text) == (FAIL, True)
    assert levels(doctor_ros.check_rmw()) == [WARN]
    rmw[0] = None
    (finding,) = doctor_ros.check_rmw()
    assert (finding.level, "librmw_other" in finding.text) == (FAIL, True)
    for known in ("rmw_fastrtps_cpp", "rmw_cyclonedds_cpp", "rmw_zenoh_cpp"):
        rmw[0] = known
        assert levels(doctor_ros.check_rmw()) == [OK]

    monkeypatch.setitem(sys.modules, "vision_msgs.msg", None)
    monkeypatch.setitem(sys.modules, "cv_bridge", ModuleType("cv_bridge"))
    monkeypatch.setitem(sys.modules, "tf2_msgs.msg", ModuleType("tf2_msgs.msg"))
    vision, tf2, bridge = doctor_ros.check_extras()
    assert (tf2.level, "~/points" in tf2.text) == (OK, True)
    assert (vision.level, "ros-kilted-vision-msgs" in vision.remedy) == (WARN, True)
    assert (bridge.level, "rare" in bridge.text) == (OK, True)


@pytest.mark.ros
def test_a_middleware_that_is_not_installed_does_not_end_the_doctor():
    """By itself rclpy ends the process in which it loads another RMW than is named."""
    env = {**os.environ, "RMW_IMPLEMENTATION": "rmw_nobody_cpp"}
    words = [sys.executable, "-m", "nightseg_ros.cli.main", "doctor", "--json"]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    findings = {one["what"]: one for one in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert (findings["rmw"]["level"], "rmw_nobody_cpp" in findings["rmw"]["text"]) == (FAIL, True)
    assert "unset RMW_IMPLEMENTATION" in findings["rmw"]["remedy"]
    assert "network" in findings


def test_the_verb_prints_findings_and_fails_where_one_fails(monkeypatch, capsys):
    def check_good():
        return [Finding("good", OK, "all well")]

    def check_bad():
        raise ValueError("ouch")

    monkeypatch.setattr(doctor, "MACHINE_CHECKS", (check_good,))
    monkeypatch.setattr(doctor, "ENGINE_CHECKS", ())
    monkeypatch.setattr(doctor, "ROS_CHECKS", ())
    assert cli.main(["doctor"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok    good  all well",
        "ok: 1, warnings: 0, failures: 0",
    ]
    monkeypatch.setattr(doctor, "ROS_CHECKS", (check_bad,))
    assert cli.main(["doctor", "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert result["findings"][1]["what"] == "bad"
    assert result["findings"][1]["text"] == "the check broke: ValueError: ouch"
    assert cli.main(["doctor", "--no-ros"]) == 0


def test_every_check_answers_on_this_machine():
    for check in doctor.MACHINE_CHECKS + doctor.ENGINE_CHECKS + doctor.ROS_CHECKS:
        for finding in check():
            assert finding.level in (OK, WARN, FAIL)
            assert "\n" not in finding.text
    assert Path(sys.executable).name in doctor_machine.check_python()[0].text


@pytest.fixture
def kinds(monkeypatch):
    """Return reasons by engine, to be changed; at first every engine can run."""
    reasons = dict.fromkeys(doctor_engines.KINDS, "")
    made_up = {
        name: replace(kind, why_not=lambda name=name: reasons[name])
        for name, kind in doctor_engines.KINDS.items()
    }
    monkeypatch.setattr(doctor_engines, "KINDS", made_up)
    monkeypatch.setattr(doctor_engines, "load", lambda name: doctor_engines)
    monkeypatch.setattr(doctor_engines, "why_no_gpu", lambda: "")
    monkeypatch.setattr(doctor_engines, "gpu_device", lambda: "/dev/nvidia0")
    return reasons


def test_engines_that_can_run_and_why_others_cannot(kinds):
    kinds["onnxruntime-cuda"] = "this ONNX Runtime has no CUDA; pip install another"
    kinds["openvino"] = kinds["openvino-int8"] = "OpenVINO cannot be imported; pip install openvino"
    here, *missing = doctor_engines.check_engines()
    built = "tensorrt, onnxruntime-tensorrt"
    assert here.text == f"here: onnxruntime-nvrtx, onnxruntime-cpu; where it was built: {built}"
    assert [(x.level, x.remedy) for x in missing] == [
        (WARN, "pip install another"),
        (OK, "pip install openvino"),
        (OK, "pip install openvino"),
    ]
    assert missing[0].text == "not onnxruntime-cuda: this ONNX Runtime has no CUDA"


def test_a_library_that_is_installed_and_broken_is_reported(kinds, monkeypatch):
    monkeypatch.setattr(doctor_engines, "load", lambda name: "OSError: no libopenvino.so")
    _, *missing = doctor_engines.check_engines()
    assert [finding.text for finding in missing] == [
        "not openvino-int8: OSError: no libopenvino.so",
        "not openvino: OSError: no libopenvino.so",
    ]
    assert "force-reinstall" in missing[0].remedy


def test_engines_without_a_gpu_are_one_line(kinds, monkeypatch):
    monkeypatch.setattr(doctor_engines, "why_no_gpu", lambda: "there is no GPU")
    here, missing = doctor_engines.check_engines()
    assert here.text == "here: onnxruntime-cpu, openvino; where it was built: openvino-int8"
    assert (missing.level, "driver" in missing.remedy) == (WARN, True)  # its file is in /dev
    monkeypatch.setattr(doctor_engines, "gpu_device", lambda: "")
    _, missing = doctor_engines.check_engines()
    assert (missing.level, missing.remedy) == (OK, "")
    assert missing.text.startswith("not tensorrt, onnxruntime-tensorrt, ")


def test_damaged_engines_are_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSEG_ENGINE_CACHE", str(tmp_path))
    key = EngineKey("0" * 64, "openvino", "1", "a CPU", "int8", 48, 64)

    def build(folder):
        (folder / "model.xml").write_text("a network")
        return {}

    cached = EngineCache().build(key, build)
    (finding,) = doctor_engines.check_engine_cache()
    assert (finding.level, finding.text) == (OK, f"1 built engines in {tmp_path}")
    (cached.path / "model.xml").write_text("another")
    count, damaged = doctor_engines.check_engine_cache()
    assert count.text.startswith("0 built engines")
    assert (damaged.level, "engines clean" in damaged.remedy) == (WARN, True)
