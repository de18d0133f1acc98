"""What networks run on. Torch is imported when the first one is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from immichvr_ai.networks.base import Network
from immichvr_ai.settings import ModelsSettings

if TYPE_CHECKING:
    import torch


def device_of(settings: ModelsSettings) -> torch.device:
    """The torch device of these settings; `auto` is CUDA, else Apple's GPU, else the CPU."""
    import torch

    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    if settings.device != "auto":
        return torch.device(settings.device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def precision_of(settings: ModelsSettings, network: Network, device: torch.device) -> torch.dtype:
    """The dtype of the forward pass: bfloat16 on CUDA, or anywhere by setting, where the network bears it."""
    import torch

    unasked = settings.precision == "auto" and device.type == "cuda" and network.bf16 is True
    wanted = unasked or (settings.precision == "bfloat16" and bool(network.bf16))
    return torch.bfloat16 if wanted else torch.float32
