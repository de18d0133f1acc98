"""Stable Diffusion 2 inpainting through diffusers: each picture alone, or all of them jointly (completion/joint.py).

Source of the input's layout and the constants: the published inpainting model (latents, mask, latents of what is known,
with grey for what is not) and NeRFiller, which guides by the picture alone: the network sees the words of an empty
prompt, once with the picture and once with nothing but grey, and what tells them apart counts for more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from immichvr_inference import Compute

from immichvr_scenes.completion.networks.painting import F32, Hole, Job

if TYPE_CHECKING:
    import torch
    from torch import Tensor

STEPS = 20
GUIDANCE = 1.5
"""How much more what tells the picture from nothing counts (NeRFiller's image guidance)."""
ALONE, TOGETHER = 512, 256
"""Pixels of the side of a picture that is painted alone, and of one in a grid."""
_LATENT = 8
"""Pixels of a latent's side."""
_CHUNK = 4
_TOKENS = (49406, 49407)
"""Start and end of a text in CLIP's vocabulary; what follows an empty one is padded with 0 to its full length."""


class StableDiffusion:
    """Paints with a latent diffusion model."""

    metric = False
    bf16 = True

    def load(self, directory: Path) -> torch.nn.Module:
        """From the published layout: unet, vae, text_encoder and scheduler, each a folder with its configuration.

        The text encoder is only asked for the empty text, and let go. Raises OSError or ValueError.
        """
        import torch
        from diffusers import AutoencoderKL, UNet2DConditionModel
        from immichvr_networks.pretrained import load_pretrained

        from immichvr_scenes.completion.joint import betas

        words = _empty_text(load_pretrained("CLIPTextModel", directory / "text_encoder"))
        schedule = json.loads((directory / "scheduler" / "scheduler_config.json").read_text(encoding="utf-8"))
        if schedule.get("prediction_type", "epsilon") != "epsilon":
            raise ValueError(f"the network predicts {schedule['prediction_type']!r}, wants 'epsilon'")
        unet = _whole(UNet2DConditionModel, directory / "unet")
        if unet.config.in_channels != 9:
            raise ValueError(f"the network has {unet.config.in_channels} input channels; one that paints has 9")
        vae = _whole(AutoencoderKL, directory / "vae")
        kept = torch.cumprod(1 - betas(schedule["beta_start"], schedule["beta_end"]), dim=0)
        return _module(unet, vae, words, kept)

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        """A few channels in every part, random weights."""
        import torch

        from immichvr_scenes.completion.joint import betas

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            unet, vae = tiny_parts()
            words = torch.randn(1, 77, unet.config.cross_attention_dim)
        return _module(unet.eval(), vae.eval(), words, torch.cumprod(1 - betas(), dim=0))

    def paint(self, module: torch.nn.Module, holes: Sequence[Hole], compute: Compute, job: Job) -> list[F32]:
        """Each picture whole; the same for the same seed."""
        if job.joint:
            side = _side(TOGETHER, compute.effort)
            padded = [*holes, *(holes[k % len(holes)] for k in range(-len(holes) % 4))]
            painted = _paint(module, padded, side, compute, job)[: len(holes)]
        else:
            side = _side(ALONE, compute.effort)
            painted = _paint(module, holes, side, compute, job)
        return [hole.filled(_fitted(picture, hole)) for hole, picture in zip(holes, painted, strict=True)]


def tiny_parts() -> tuple[Any, Any]:
    """The two networks made small, with random weights of torch's current seed."""
    from diffusers import AutoencoderKL, UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=9,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(8, 16),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=4,
    )
    vae = AutoencoderKL(
        block_out_channels=(4, 4, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=4,
    )
    return unet, vae


def _module(unet: Any, vae: Any, words: Tensor, kept: Tensor) -> torch.nn.Module:
    import torch

    class Painter(torch.nn.Module):  # type: ignore[misc]
        """The two networks, what the empty text is to them, and how much signal is left at every moment of noise."""

        def __init__(self) -> None:
            super().__init__()
            self.unet, self.vae = unet, vae
            self.register_buffer("words", words, persistent=False)
            self.kept = [float(share) for share in kept]

    return Painter().eval()


def _empty_text(encoder: torch.nn.Module) -> Tensor:
    import torch

    config: Any = encoder.config
    tokens = torch.zeros(1, config.max_position_embeddings, dtype=torch.long)
    tokens[0, :2] = torch.tensor(_TOKENS)
    with torch.inference_mode():
        words: Tensor = encoder(tokens).last_hidden_state
    return words.clone()


def _whole(kind: Any, directory: Path) -> Any:
    """A network of diffusers, float32, with all its weights. Raises OSError, or ValueError where some are not there."""
    import torch
    from diffusers.utils import logging

    logging.disable_progress_bar()
    network, info = kind.from_pretrained(
        directory, local_files_only=True, use_safetensors=True, output_loading_info=True, torch_dtype=torch.float32,
        low_cpu_mem_usage=False,
    )  # fmt: skip
    if absent := sorted(info["missing_keys"]):
        raise ValueError(f"the weights lack {len(absent)} tensors, first of them {absent[0]}")
    return network.eval()


def _side(usual: int, effort: float) -> int:
    return max(1, round(usual * effort / 64)) * 64


def _fitted(picture: F32, hole: Hole) -> F32:
    height, width = hole.missing.shape
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _paint(module: Any, holes: Sequence[Hole], side: int, compute: Compute, job: Job) -> list[F32]:
    import torch

    from immichvr_scenes.completion.joint import ddim_step, joint_noise, noise_of, noised, shuffled, timesteps

    pictures, known, masks = (stack.to(compute.device) for stack in _inputs(holes, side))
    small = torch.nn.functional.interpolate(masks, scale_factor=1 / _LATENT, mode="nearest")
    with compute.autocast():
        behind = _encoded(module, known)
        nothing = _encoded(module, torch.zeros_like(known[:1]))
        moments = timesteps(job.strength, STEPS, len(module.kept))
        noise = noise_of(len(holes), behind.shape[1:], job.seed).to(compute.device)
        latents = noise if job.strength >= 1 else noised(_encoded(module, pictures), noise, module.kept[moments[0]])
        for number, moment in enumerate(moments):
            whole = torch.cat([latents, small, behind], dim=1)
            predict = _predictor(module, moment, nothing)
            if job.joint:
                seen = joint_noise(predict, whole, shuffled(len(holes), job.seed, number))
            else:
                seen = torch.cat([predict(one) for one in whole.split(1)])
            left = module.kept[moments[number + 1]] if number + 1 < len(moments) else 1.0
            latents = ddim_step(latents, seen, module.kept[moment], left)
            job.on_step((number + 1) / len(moments))
        decoded = torch.cat(
            [module.vae.decode(one / module.vae.config.scaling_factor).sample for one in latents.split(1)]
        )
    if not torch.isfinite(decoded).all():
        raise ValueError("the network's output is not finite")
    colours = (decoded.float().cpu() / 2 + 0.5).clamp(0, 1)
    return [np.ascontiguousarray(one.permute(1, 2, 0).numpy()) for one in colours]


def _predictor(module: Any, moment: int, nothing: Tensor) -> Callable[[Tensor], Tensor]:
    """What tells the noise in latents, (n, 9, h, w), guided by the picture."""
    import torch

    def run(latents: Tensor) -> Tensor:
        words = module.words.expand(latents.shape[0], -1, -1)
        seen: Tensor = module.unet(latents, moment, encoder_hidden_states=words).sample
        return seen.float()

    def predict(latents: Tensor) -> Tensor:
        grey = nothing.repeat(1, 1, latents.shape[2] // nothing.shape[2], latents.shape[3] // nothing.shape[3])
        blank = torch.cat(
            [latents[:, :4], torch.ones_like(latents[:, 4:5]), grey.expand(latents.shape[0], -1, -1, -1)], dim=1
        )
        seen, unseen = (torch.cat([run(part) for part in one.split(_CHUNK)]) for one in (latents, blank))
        return seen + GUIDANCE * (seen - unseen)

    return predict


def _inputs(holes: Sequence[Hole], side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures, and what is known of them with grey, 0, elsewhere, (n, 3, side, side); masks, (n, 1, …), 1: missing."""
    import torch

    stacks: tuple[list[F32], list[F32], list[F32]] = ([], [], [])
    for hole in holes:
        shrinks = side < max(hole.missing.shape)
        rgb = cv2.resize(hole.rgb, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        share = cv2.resize(hole.missing.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
        mask = (share > 0).astype(np.float32)[..., None]
        picture = np.asarray(rgb, np.float32) * 2 - 1
        for stack, image in zip(stacks, (picture, picture * (1 - mask), mask), strict=True):
            stack.append(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32))
    pictures, known, masks = (torch.from_numpy(np.stack(stack)) for stack in stacks)
    return pictures, known, masks


def _encoded(module: Any, pictures: Tensor) -> Tensor:
    """Latents, the mode of what the encoder says: (n, 4, h / 8, w / 8)."""
    import torch

    parts = [module.vae.encode(one).latent_dist.mode().float() for one in pictures.split(1)]
    latents: Tensor = torch.cat(parts) * module.vae.config.scaling_factor
    return latents
