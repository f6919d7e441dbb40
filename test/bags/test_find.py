# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Names, patterns and folders become bags, and each bag a folder name of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightseg_ros.bags.find import find_bags, is_bag, result_names
from nightseg_ros.errors import NightsegError


@pytest.fixture
def drives(tmp_path: Path) -> Path:
    """Two files, a bag with metadata, one of two parts without, and things that are no bags."""
    for name in (
        "drives/a.mcap",
        "drives/b.db3.zstd",
        "drives/whole/metadata.yaml",
        "drives/whole/whole_0.mcap",
        "drives/deep/cut/cut_0.db3",
        "drives/deep/cut/cut_1.db3",
        "drives/.hidden.mcap.x/bag/bag.mcap",
        "drives/out/a/w.mcap",
        "drives/notes.txt",
        "drives/v.mp4",
        "photos/1.jpg",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return tmp_path / "drives"


def names(bags, folder):
    return [str(bag.relative_to(folder)) for bag in bags]


def test_a_folder_stands_for_the_bags_in_it_but_not_for_results(drives: Path):
    found = find_bags([drives], drives / "out")
    assert names(found, drives) == ["a.mcap", "b.db3.zstd", "deep/cut", "whole"]


def test_patterns_and_names_give_each_bag_once(drives: Path):
    found = find_bags([drives / "*.mcap", drives / "whole", drives / "a.mcap", drives / "*.*"])
    assert names(found, drives) == ["a.mcap", "whole", "b.db3.zstd", "v.mp4"]


def test_a_bag_stays_itself_and_what_is_none_is_left_to_its_reader(drives: Path):
    assert find_bags([drives / "whole"]) == [drives / "whole"]
    assert find_bags([drives / "notes.txt"]) == [drives / "notes.txt"]
    assert is_bag(drives / "deep/cut")
    assert not is_bag(drives)
    assert not is_bag(drives.parent / "photos")


@pytest.mark.parametrize("name", ["*.bag", "nothing.mcap"])
def test_nothing_found_is_an_error(drives: Path, name: str):
    with pytest.raises(NightsegError, match=r"nothing matches|there is no bag"):
        find_bags([drives / name])


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["/d/a.mcap", "/d/b"], ["a", "b"]),
        (["/d/a.mcap", "/d/a.db3"], ["a.mcap", "a.db3"]),
        (["/x/1/cam.mcap", "/y/1/cam.mcap"], ["x_1_cam", "y_1_cam"]),
        (["/a_b/one", "/q/b_one", "/b/one"], ["a_b_one", "q_b_one", "b_one"]),
        (["/a_b/c", "/a/b_c"], ["c", "b_c"]),
    ],
)
def test_folders_of_results_have_different_names(paths, expected):
    found = result_names([Path(path) for path in paths])
    assert len(set(found)) == len(found)
    assert found == expected
