"""What networks run on. Torch is imported when the first one is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from immichvr_inference.network import Network
from immichvr_inference.settings import RuntimeSettings

if TYPE_CHECKING:
    import torch


def device_of(settings: RuntimeSettings) -> torch.device:
    """The torch device of these settings; `auto` is CUDA, else Apple's GPU, else the CPU."""
    import torch

    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    if settings.device != "auto":
        return torch.device(settings.device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def name_of(device: torch.device) -> str:
    """What every process of this machine calls the device, whichever of them it is allowed to see."""
    if device.type != "cuda":
        return str(device.type)
    import torch

    return f"cuda-{torch.cuda.get_device_properties(device).uuid}"


def precision_of(settings: RuntimeSettings, network: Network, device: torch.device) -> torch.dtype:
    """The dtype of the forward pass: bfloat16 on CUDA, or anywhere by setting, where the network bears it."""
    import torch

    unasked = settings.precision == "auto" and device.type == "cuda" and network.bf16 is True
    wanted = unasked or (settings.precision == "bfloat16" and bool(network.bf16))
    return torch.bfloat16 if wanted else torch.float32
