# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The kinds of steps that studies are made of: each fills one folder, or what is missing of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from nightseg_ros.datasets.catalog import open_set
from nightseg_ros.datasets.image_files import read_image, write_png
from nightseg_ros.errors import NightsegError
from nightseg_ros.learning import selection
from nightseg_ros.learning.config import build, load_config
from nightseg_ros.learning.keys import Keys, key
from nightseg_ros.learning.limits import Limit, at_least, one_of, share_below_one, sides
from nightseg_ros.learning.networks.registry import load_checkpoint
from nightseg_ros.learning.pseudo_labels import label_images
from nightseg_ros.learning.run_record import open_study
from nightseg_ros.learning.tensor_set import expand, open_folder, stretch
from nightseg_ros.learning.translate import load_generator, translate_images

DISTANCES = ("histogram", "features")


def _is_share(text: str) -> bool:
    try:
        return 0 <= Fraction(text) <= 1
    except (ValueError, ZeroDivisionError):
        return False


SHARE = Limit("0 to 1, such as 3/7", _is_share)


class Place(NamedTuple):
    """Where a step works, and with what."""

    folder: Path
    seed: int
    data: str
    fast: bool
    """Whether one training step and two images are enough."""


class Step(Protocol):
    """What a kind of step can do."""

    def run(self, place: Place) -> None:
        """Fill the folder."""


@dataclass(frozen=True)
class Train(Keys):
    """One training. Its last weights are taken: validation frames choose nothing."""

    recipe: str = key("file of the recipe")
    set: dict[str, Any] = key("changes of its keys, dots descend", factory=dict)

    def config(self, name: str, seed: int) -> Any:
        """Return the recipe of this training."""
        config = load_config(
            Path(self.recipe), [f"{name}={json.dumps(value)}" for name, value in self.set.items()]
        )
        known = {one.name for one in fields(config)}
        changes: dict[str, Any] = {"name": name, "seed": seed, "val": (), "monitor": "last"}
        if "val_every" in known:
            changes["val_every"] = config.steps
        return replace(config, **{key: changes[key] for key in changes.keys() & known})

    def run(self, place: Place) -> None:
        """Train, or go on; the result holds the checkpoint and, of some recipes, figures."""
        from nightseg_ros.learning.train import train

        config = self.config(place.folder.name, place.seed)
        result = train(config, place.folder, place.data, fast_dev_run=place.fast)
        made = Path(str(result["checkpoint"])).parent
        for rest in ("last.ckpt", "epoch.ckpt"):  # only a training that goes on needs them
            (made / rest).unlink(missing_ok=True)
        if place.fast:  # the next steps look for it where a real training leaves it
            for path in made.iterdir():
                path.rename(place.folder / path.name)


@dataclass(frozen=True)
class Frames(Keys, subject="frames."):
    """A labelled set, or a part of it, in which translated frames take the place of some."""

    images: str = key("a labelled set")
    translated: str = key("folder of translations of the same names", "")
    share: str = key("share of the frames that are replaced, in the order of the seed", "1", SHARE)
    start: int = key("first of that order to keep; negative counts from the end", 0)
    stop: int | None = key("end of what is kept", None)

    def run(self, place: Place) -> None:
        """Write links to the images, and the labels."""
        whole = open_set(expand(self.images, place.data))
        order = np.random.default_rng(place.seed).permutation(len(whole))
        share = Fraction(self.share) if self.translated else 0
        replaced = order[: round(len(order) * share)]
        kept = order[self.start : self.stop]
        if not len(kept):
            raise NightsegError(
                f"{self.images} has {len(whole)} frames, none from {self.start} to {self.stop}; "
                "hold out fewer"
            )
        there = {}
        if len(replaced):
            folder = expand(self.translated, place.data)
            there = {path.stem: path for path in open_folder(folder)}
        for name in ("images", "labels"):
            (place.folder / name).mkdir(parents=True, exist_ok=True)
        for index in np.sort(kept):
            sample = whole.samples[index]
            image, label = sample.image, whole.load_label(sample)
            if index in replaced:
                if image.stem not in there:
                    raise NightsegError(
                        f"{self.translated} holds no translation of {image.stem}; run "
                        "`nightseg translate`"
                    )
                image = there[image.stem]
                height, width = read_image(image).shape[:2]  # a translator may have another size
                label = stretch(label, (height, width))
            link = place.folder / "images" / image.name
            link.unlink(missing_ok=True)
            link.symlink_to(image.resolve())
            write_png(place.folder / "labels" / f"{image.stem}.png", label)


@dataclass(frozen=True)
class Label(Keys, subject="label."):
    """Labels of unlabelled images by a trained network, where it is sure."""

    images: str = key("an unlabelled set")
    network: str = key("checkpoint of the teacher")
    threshold: float = key(
        "probability below which a pixel stays unlabelled", 0.0, share_below_one()
    )
    width: int = key("images are seen no wider than this", 256, at_least(8))
    count: int = key("so many images, spread evenly; 0 = all", 0, at_least(0))

    def run(self, place: Place) -> None:
        """Write the labels that are missing."""
        images = open_set(expand(self.images, place.data))
        count = min(2 if place.fast else self.count or len(images), len(images))
        network = load_checkpoint(Path(self.network))[0]
        for _ in label_images(
            network,
            images,
            place.folder,
            threshold=self.threshold,
            max_width=self.width,
            count=count,
        ):
            pass


@dataclass(frozen=True)
class Select(Keys, subject="select."):
    """The images of a pool that are nearest to a reference, by histogram or by features."""

    images: str = key("the pool")
    like: str = key("the reference set")
    count: int = key("number of images to select", limit=at_least(1))
    by: str = key("luma, or the Frechet distance of features", "histogram", one_of(DISTANCES))
    network: str = key("checkpoint whose features count", "")
    size: tuple[int, int] = key("size at which they are computed", (136, 240), sides(8, 8))

    def run(self, place: Place) -> None:
        """Link the chosen images, and write the distances of all."""
        images = open_set(expand(self.images, place.data))
        reference = [open_set(expand(self.like, place.data))]
        if self.by == "histogram":
            distances = list(selection.histogram_distances(images, reference))
        else:
            network = load_checkpoint(Path(self.network))[0]
            domain = selection.Domain(network, reference, self.size)
            distances = [domain.distance(images.load_image(s)) for s in images.samples]
        ranked = selection.rank(images, distances)
        count = min(2 if place.fast else self.count, len(ranked))
        selection.write_selection(place.folder, selection.choose(ranked, count, None), ranked)


@dataclass(frozen=True)
class Translate(Keys, subject="translate."):
    """Every image of a set as a translator makes it."""

    images: str = key("the images")
    network: str = key("checkpoint of the translator")
    size: tuple[int, int] = key("size at which it sees them", (136, 240), sides(8, 8))

    def run(self, place: Place) -> None:
        """Write the images that are missing."""
        images = open_set(expand(self.images, place.data))
        for _ in translate_images(
            load_generator(Path(self.network)), images, place.folder, self.size
        ):
            pass


KINDS: dict[str, type[Step]] = {
    "train": Train,
    "frames": Frames,
    "label": Label,
    "select": Select,
    "translate": Translate,
}
DONE = "done"


def make_step(values: Mapping[str, Any], where: str) -> Step:
    """Return a step of its values in the study, with all its places filled in."""
    kind = values.get("do", "train")
    if kind not in KINDS:
        raise NightsegError(f"{where}: do is '{kind}'; there are {', '.join(KINDS)}")
    return build(KINDS[kind], {k: v for k, v in values.items() if k not in ("do", "once")}, where)


def run_step(step: Step, place: Place) -> None:
    """Run a step unless it is done; a folder of other settings or other data is refused."""
    if isinstance(step, Train):  # which keeps a record of its own
        step.run(place)
        return
    open_study(place.folder, {"": step}, place.data, resume=True)
    if not (place.folder / DONE).is_file():
        step.run(place)
        (place.folder / DONE).touch()
