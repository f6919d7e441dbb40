# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training NiSeNet's fusion: which channel is right, in patches where they are not equally right.

The channels are frozen, so their maps are made once. A patch counts by how much there is to win in
it: a fusion that errs where one channel is right about three pixels more loses three pixels.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import lightning
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, RandomSampler

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import as_plain
from nightseg_ros.learning.frame_scores import score_frame
from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.methods.nisenet_fusion.config import FusionConfig
from nightseg_ros.learning.methods.nisenet_fusion.pixel_fusion import fit_temperature
from nightseg_ros.learning.networks.patch_fusion import PATCH, PatchFusion, better_channel, cut
from nightseg_ros.learning.networks.registry import load_checkpoint, write_checkpoint
from nightseg_ros.learning.relight import relight_as_night
from nightseg_ros.learning.tensor_set import Numbers, TensorSet, concatenate, load_sets, load_source
from nightseg_ros.learning.trainer import fit, resumable

if TYPE_CHECKING:
    from nightseg_ros.learning.networks.segmenter import Segmenter
    from nightseg_ros.learning.run_record import Run

FRAMES = 4  # of which the patches of one batch are drawn


class Maps(NamedTuple):
    """Ids of both channels (2, N, H, W) and the labels (N, H, W), all uint8."""

    channels: Tensor
    labels: Tensor


class Fusion(NamedTuple):
    """What a finished training leaves: the network, and a temperature for each channel."""

    patches: PatchFusion
    temperatures: tuple[float, float]


class FusionModule(lightning.LightningModule):
    """Cross entropy of the choice, over patches at random places of the maps."""

    def __init__(self, config: FusionConfig, maps: Maps) -> None:
        super().__init__()
        self.config = config
        self.network = PatchFusion(config.width)
        self._maps = maps

    def setup(self, stage: str) -> None:
        """Move the maps to the device once."""
        self._maps = Maps(*(part.to(self.device) for part in self._maps))

    def train_dataloader(self) -> DataLoader:
        """Return batches of frame numbers."""
        draws = self.config.save_every * FRAMES
        generator = torch.Generator().manual_seed(self.config.seed + self.current_epoch)
        numbers = Numbers(len(self._maps.labels))
        return DataLoader(numbers, FRAMES, sampler=RandomSampler(numbers, True, draws, generator))

    def training_step(self, indices: Tensor, _batch: int) -> Tensor:
        """Return the loss of one batch of patches."""
        pairs, wanted, shares = draw_patches(self._maps, indices, self.config.batch)
        loss, right = fusion_loss(self.network(pairs), wanted, shares)
        self.log_dict({"loss": loss, "right": right}, prog_bar=True, batch_size=len(wanted))
        return loss

    def configure_optimizers(self) -> Any:
        """Return AdamW with polynomial decay."""
        config = self.config
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=config.lr)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: max(0.0, 1 - step / config.steps) ** 0.9
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def draw_patches(maps: Maps, indices: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return up to `count` decisive pairs (2, n, 20, 20), which is better, and by what share.

    The grid begins anywhere in the first patch, and half of the draws are mirrored.
    """
    chosen = indices.to(maps.labels.device)
    top, left = (int(torch.randint(PATCH, ())) for _ in range(2))
    height, width = maps.labels.shape[1:]
    bottom = height - (height - top) % PATCH if height - top >= PATCH else height
    right = width - (width - left) % PATCH if width - left >= PATCH else width
    channels = maps.channels[:, chosen, top:bottom, left:right]
    labels = maps.labels[chosen, top:bottom, left:right]
    if float(torch.rand(())) < 0.5:
        channels, labels = channels.flip(-1), labels.flip(-1)
    pairs, truths = cut(channels), cut(labels[None])[0]
    wanted, shares = better_channel(pairs, truths)
    decisive = shares.nonzero()[:, 0]
    kept = decisive[torch.randperm(len(decisive), device=decisive.device)[:count]]
    return pairs[:, kept], wanted[kept], shares[kept]


def fusion_loss(scores: Tensor, wanted: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cross entropy of the choices, weighted by what is to win, and how many are right.

    Of no patch at all the loss is 0 and, so that a mean over batches is not spoilt, so are these.
    """
    if not len(wanted):
        return scores.sum() * 0.0, scores.new_zeros(())
    losses = F.cross_entropy(scores.float(), wanted, reduction="none")
    right = (scores.argmax(1) == wanted).float().mean()
    return (losses * shares).sum() / shares.sum(), right


@resumable
def train_fusion(run: Run, config: FusionConfig, data: str, fast: bool) -> dict[str, Any]:
    """Train the fusion; OUT/model.pt holds it, the temperatures and the names of the channels."""
    channels = load_channels(Path(config.real), Path(config.adaptive))
    parts = [load_source(source, data, config.size, config.seed) for source in config.train]
    frames = concatenate(parts)
    images = relit(frames)
    size = config.size
    scores = [[score_frame(channel, image, size, size) for image in images] for channel in channels]
    first, second = (fit_temperature(found, list(frames.labels)) for found in scores)
    maps = Maps(
        torch.stack([torch.stack([one.argmax(0).byte() for one in found]) for found in scores]),
        frames.labels,
    )
    del scores
    recipe = FusionModule(config, maps)
    fit(recipe, config, run, fast_dev_run=fast, gradient_clip_val=5.0)
    fusion = Fusion(recipe.network.cpu().eval(), (first, second))
    figures: dict[str, float] = {"temperature/real": first, "temperature/adaptive": second}
    figures["right/train"] = 100 * share_right(fusion.patches, maps)
    measured = load_sets(() if fast else config.val, data, size)
    for name, (shown, labels) in measured.items():
        ids = [
            torch.stack([score_frame(one, x, size, size).argmax(0).byte() for x in shown])
            for one in channels
        ]
        right = share_right(fusion.patches, Maps(torch.stack(ids), labels))
        figures[f"right/{name}"] = 100 * right
    figures = {name: round(value, 3) for name, value in figures.items()}
    path = save_fusion(run.out / "model.pt", fusion, config, figures=figures, parts=run.parts)
    return run.finish({"checkpoint": str(path), "figures": figures})


def load_channels(real: Path, adaptive: Path) -> tuple[Segmenter, Segmenter]:
    """Return both channels, frozen, or refuse classes that differ."""
    (first, described, _), (second, other, _) = load_checkpoint(real), load_checkpoint(adaptive)
    if described.classes != other.classes:
        raise NightsegError(
            f"{real} has {described.classes} classes, {adaptive} {other.classes}; "
            "fuse channels of one label set"
        )
    return first.requires_grad_(False), second.requires_grad_(False)


def relit(frames: TensorSet) -> Tensor:
    """Return the frames (N, H, W, 3), those that are to be relit as night."""
    images = frames.images.clone()
    for index in frames.relight.nonzero()[:, 0].tolist():
        image = images[index].permute(2, 0, 1)[None].float() / 255
        made = relight_as_night(image, frames.labels[index][None])[0]
        images[index] = (made * 255).round().byte().permute(1, 2, 0)
    return images


@torch.inference_mode()
def share_right(network: PatchFusion, maps: Maps) -> float:
    """Return the share of decisive patches in which the better channel is chosen."""
    right = total = 0
    for index in range(len(maps.labels)):
        pairs, truths = (
            cut(maps.channels[:, index : index + 1]),
            cut(maps.labels[None, index, None]),
        )
        wanted, shares = better_channel(pairs, truths[0])
        decisive = shares > 0
        if bool(decisive.any()):
            chosen = network(pairs[:, decisive]).argmax(1)
            right += int((chosen == wanted[decisive]).sum())
            total += int(decisive.sum())
    return right / max(1, total)


def save_fusion(path: Path, fusion: Fusion, config: FusionConfig, **about: object) -> Path:
    """Write the fusion with its recipe and return the file."""
    state = {
        "fusion": {"width": config.width, "temperatures": list(fusion.temperatures)},
        "state": fusion.patches.state_dict(),
        "about": {"config": as_plain(config), **about},
    }
    write_checkpoint(path, state)
    return path


def load_fusion(path: Path) -> Fusion:
    """Return what `save_fusion` wrote; only plain data and tensors are ever unpickled."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        network: nn.Module = PatchFusion(float(content["fusion"]["width"]))
        network.load_state_dict(content["state"])
        first, second = map(float, content["fusion"]["temperatures"])
    except FileNotFoundError as error:
        raise NightsegError(f"there is no fusion {path}; train one") from error
    except Exception as error:  # damaged files fail in more ways than torch has names for
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise NightsegError(f"{path} is no fusion of nightseg ({reason})") from error
    assert isinstance(network, PatchFusion)
    return Fusion(network.eval(), (first, second))


METHOD = Method(FusionConfig, train_fusion)
