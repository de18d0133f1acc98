"""The network with the weights of a file, or with random ones."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from immichvr_video_depth.networks.video_depth_anything.network import VideoDepthAnything
from immichvr_video_depth.networks.video_depth_anything.shapes import Shape

_NEVER_READ = ("pretrained.mask_token", "head.scratch.refinenet4.resConfUnit1.")
"""Tensors of published files that no pass reads, so that a file may lack them."""


def loaded(shape: Shape, directory: Path) -> VideoDepthAnything:
    """The network with the weights of the one `.pth` file in the directory, float32, in evaluation mode.

    Nothing but tensors is read from the file. Raises OSError, and ValueError where they are not the network's.
    """
    files = sorted(directory.glob("*.pth"))
    if len(files) != 1:
        raise ValueError(f"one .pth file is wanted, not {len(files)}")
    try:
        stored = torch.load(files[0], map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ValueError(f"{files[0].name} holds more than tensors, or is damaged") from error
    if not isinstance(stored, dict) or not all(isinstance(one, Tensor) for one in stored.values()):
        raise ValueError(f"{files[0].name} is not a table of tensors")
    with torch.device("meta"):
        network = VideoDepthAnything(shape)
    wanted: dict[str, Tensor] = network.state_dict()
    _check(wanted, stored)
    values = {name: stored[name].float() if name in stored else torch.zeros(one.shape) for name, one in wanted.items()}
    network.load_state_dict(values, assign=True)
    network.eval()
    return network


def _check(wanted: dict[str, Tensor], stored: dict[str, Tensor]) -> None:
    absent = [name for name in wanted if name not in stored and not name.startswith(_NEVER_READ)]
    if absent:
        raise ValueError(f"the weights lack {len(absent)} of {len(wanted)} tensors, first of them {absent[0]}")
    for name, one in wanted.items():
        if name in stored and stored[name].shape != one.shape:
            raise ValueError(f"{name} is {tuple(stored[name].shape)}, wants {tuple(one.shape)}")


def random(shape: Shape, seed: int) -> VideoDepthAnything:
    """The network with random weights that make its output vary over picture and time, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = VideoDepthAnything(shape)
        with torch.no_grad():
            for name, weights in network.named_parameters():
                if weights.dim() > 1:
                    weights.normal_(0.0, weights[0].numel() ** -0.5)
                elif name.endswith("gamma"):
                    weights.fill_(0.3)
            network.head.scratch.output_conv2["2"].bias.fill_(1.5)  # or much of the output would be cut off at 0
    network.eval()
    return network
