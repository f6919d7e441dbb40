# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two processes train one network: both know the figures on all sets, of what is saved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from support.made_up_data import make_data

from nightseg_ros.learning.config import load_config
from nightseg_ros.learning.networks.registry import load_checkpoint
from nightseg_ros.learning.tensor_set import load_sets
from nightseg_ros.learning.validation import figures_of

RECIPE = Path(__file__).parents[2] / "config" / "recipes" / "see_clearer_single.yaml"
SETTINGS = [
    *("devices=2", "network.width=0.25", "precision=32-true", "monitor=miou/mean", "lr=3e-3"),
    *("view=[32, 48]", "cache=[48, 80]", "test_size=[32, 48]", "batch=2", "steps=4"),
    "val_every=4",
]
WORKER = """
import json, os, sys
import torch
torch.set_num_threads(1)
from pathlib import Path
from nightseg_ros.learning.config import load_config
from nightseg_ros.learning.train import train

recipe, out, data, *settings = sys.argv[1:]
result = train(load_config(Path(recipe), settings), Path(out), data)
rank = os.environ.get("LOCAL_RANK", "0")
Path(out, f"rank_{rank}.json").write_text(json.dumps(result))
"""


@pytest.mark.slow
def test_both_processes_validate_all_sets(tmp_path):
    data, out, script = make_data(tmp_path / "data"), tmp_path / "out", tmp_path / "worker.py"
    script.write_text(WORKER)
    free = {key: value for key, value in os.environ.items() if key != "LOCAL_RANK"}
    done = subprocess.run(
        [sys.executable, str(script), str(RECIPE), str(out), str(data), *SETTINGS],
        env={**free, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = (json.loads((out / f"rank_{rank}.json").read_text()) for rank in (0, 1))
    assert first["figures"] == second["figures"]
    assert first["chosen_step"] == second["chosen_step"] == 4

    config = load_config(RECIPE, SETTINGS)
    sets = load_sets(config.val, str(data), config.cache)
    network = load_checkpoint(Path(first["checkpoint"]))[0]
    assert len(sets) == 3
    alone = {name: figures_of(network, *part, config.test_size).miou for name, part in sets.items()}
    for name, miou in alone.items():
        assert first["figures"][f"miou/{name}"] == pytest.approx(miou, abs=0.02)
    mean = sum(alone.values()) / len(alone)
    assert first["figures"]["miou/mean"] == pytest.approx(mean, abs=0.02)
