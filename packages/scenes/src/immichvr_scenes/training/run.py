"""A run of training between two of its steps: everything that decides how it goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from immichvr_splats import GaussianCloud
from immichvr_splats.pointclouds import PointCloud

from immichvr_scenes.cameras import View
from immichvr_scenes.training.adam import Adam
from immichvr_scenes.training.checkpoints import Checkpoint, InvalidCheckpoint
from immichvr_scenes.training.corrections import Corrections
from immichvr_scenes.training.feed import Feed
from immichvr_scenes.training.losses import depth_loss, picture_loss
from immichvr_scenes.training.optimising import decay, means_rate, optimizers_for
from immichvr_scenes.training.options import TrainingOptions
from immichvr_scenes.training.parameters import Parameters, to_cloud, trainable
from immichvr_scenes.training.renderers import Drawn, Renderer, lot

_OPACITY_WEIGHT = _SCALE_WEIGHT = 0.01
"""Of the means of opacities and scales, so that what nobody needs fades (Kheradmand et al. 2024)."""
_CORRECTED_FROM = 0.05
"""Of the steps, before exposures and cameras are put right: until then the cloud is more wrong than they are."""


@dataclass(frozen=True)
class Measured:
    """The held-out pictures' score after a step."""

    step: int
    psnr: float
    ssim: float


@dataclass
class Run:
    """params: the Gaussians. step: how many have been made. history: what was measured on the way."""

    options: TrainingOptions
    feed: Feed
    params: Parameters
    renderer: Renderer
    extent: float
    step: int = 0
    history: list[Measured] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.optimizers = optimizers_for(self.params)
        self.corrections = Corrections(self.feed.views, self.extent, self.params["means"].device)

    @property
    def degree(self) -> int:
        """Of the harmonics that are trained by now."""
        return min(self.options.sh_degree, self.step // self.options.degree_every)

    def advance(self) -> float:
        """Make a step; the loss before it."""
        index = self._picture()
        example, camera = self.feed[index], self.feed.views[index].camera
        rate = means_rate(self.step, self.options.iterations, self.extent)
        self.optimizers["means"].param_groups[0]["lr"] = rate
        drawn = self.renderer.draw(self.params, camera, self.corrections.place(index), self.degree)
        self.renderer.before_backward(self.params, self.optimizers, self.step, drawn)
        rgb = self.corrections.exposed(drawn.picture.rgb, index)
        loss = picture_loss(rgb, example.rgb, example.mask) + self._regulated(index)
        if example.depth is not None and self.options.depth_weight > 0:
            weight = self.options.depth_weight * decay(self.step, self.options.iterations)
            picture = drawn.picture
            loss = loss + weight * depth_loss(picture.depth, picture.alpha, example.depth, example.mask, self.extent)
        loss.backward()
        self._change(rate, drawn)
        self.step += 1
        return float(loss.detach())

    def cloud(self, view: View) -> GaussianCloud:
        """The Gaussians as they are now, with a view's camera."""
        return to_cloud(self.params, view.for_splats, self.options.antialiased)

    def checkpoint(self, work: str) -> Checkpoint:
        """All of this."""
        tensors = {f"params.{name}": value for name, value in self.params.items()}
        for name, value in self.params.items():
            state = self.optimizers[name].remembered(value)
            tensors |= {f"adam.{name}.{key}": kept for key, kept in state.items()}
        for name, value in self.corrections.values.items():
            tensors[f"corrections.{name}"] = value
            state = self.corrections.optimizers[name].remembered(value)
            tensors |= {f"corrections.{name}.{key}": kept for key, kept in state.items()}
        tensors |= {f"strategy.{name}": value for name, value in self.renderer.state().items()}
        facts = {
            "step": self.step,
            "history": [asdict(one) for one in self.history],
            "max_gaussians": self.options.max_gaussians,
        }
        return Checkpoint(work, tensors, facts)

    def restore(self, kept: Checkpoint) -> None:
        """Go on from a state that was kept. Raises InvalidCheckpoint where other pictures were trained on."""
        if kept.tensors["corrections.turn"].shape[0] != len(self.feed):
            raise InvalidCheckpoint("this checkpoint is of other work: other pictures were held out")
        device = self.params["means"].device
        self.params = trainable({name: kept.tensors[f"params.{name}"] for name in self.params}, device)
        self.optimizers = optimizers_for(self.params)
        for name, value in self.params.items():
            _remember(self.optimizers[name], value, kept, f"adam.{name}")
        for name, value in self.corrections.values.items():
            with torch.no_grad():
                value.copy_(kept.tensors[f"corrections.{name}"])
            _remember(self.corrections.optimizers[name], value, kept, f"corrections.{name}")
        prefix = "strategy."
        state = {name.removeprefix(prefix): one for name, one in kept.tensors.items() if name.startswith(prefix)}
        self.renderer.restore({name: value.to(device) for name, value in state.items()})
        self.step = int(kept.facts["step"])
        self.history = [Measured(**one) for one in kept.facts["history"]]

    def keep_most_opaque(self, count: int) -> None:
        """Leave out all but `count` Gaussians; what the optimizers remember begins anew."""
        order = torch.argsort(self.params["opacities"].detach(), descending=True, stable=True)[:count]
        kept = order.sort().values
        self.params = trainable(
            {name: value.detach()[kept].clone() for name, value in self.params.items()}, kept.device
        )
        self.optimizers = optimizers_for(self.params)
        self.corrections.forget_gradients()

    def _picture(self) -> int:
        """Every picture once in each pass over them, in an order of the pass's own."""
        count = len(self.feed)
        order = torch.randperm(count, generator=lot(self.options.seed + 1, self.step // count))
        return int(order[self.step % count])

    def _regulated(self, index: int) -> torch.Tensor:
        loss = _OPACITY_WEIGHT * torch.sigmoid(self.params["opacities"]).mean()
        loss = loss + _SCALE_WEIGHT / self.extent * self.params["scales"].exp().mean()
        return loss + self.corrections.held_back(index) if self.options.refine_poses else loss

    def _change(self, rate: float, drawn: Drawn) -> None:
        for optimizer in self.optimizers.values():
            optimizer.step()
            optimizer.zero_grad()
        corrected = ["exposure"] * self.options.exposure + ["turn", "move"] * self.options.refine_poses
        share = decay(self.step, self.options.iterations)
        self.corrections.step(share, corrected if self.step >= _CORRECTED_FROM * self.options.iterations else ())
        self.renderer.after_step(self.params, self.optimizers, self.step, rate, drawn)


def work_of(options: TrainingOptions, views: Sequence[View], points: PointCloud, device: str) -> str:
    """What a run is about, in few characters: the same for the same options, cameras, points and kind of device."""
    told = hashlib.sha256(json.dumps([asdict(options), device], sort_keys=True).encode())
    for view in views:
        told.update(json.dumps([view.name, asdict(view.camera)]).encode())
        told.update(np.ascontiguousarray(view.world_to_camera).tobytes())
    told.update(points.points.tobytes())
    told.update(points.colors.tobytes())
    return told.hexdigest()


def _remember(optimizer: Adam, value: torch.nn.Parameter, kept: Checkpoint, prefix: str) -> None:
    state = optimizer.remembered(value)
    optimizer.state[value] = {
        key: kept.tensors[f"{prefix}.{key}"].to(one.device, copy=True) for key, one in state.items()
    }
