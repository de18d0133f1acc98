"""Running most of SHARP in fewer bits: the parts that see features, not those that place Gaussians."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from immichvr_inference.network import Compute

if TYPE_CHECKING:
    import torch

_PARTS = ("monodepth_model.monodepth_predictor.encoder", "monodepth_model.monodepth_predictor.decoder", "feature_model")
"""99 % of the arithmetic. Disparity, positions and shapes are made from their features in single precision."""


@contextmanager
def reduced(module: torch.nn.Module, compute: Compute) -> Iterator[None]:
    """A region in which the encoders and decoders of SHARP's network run in `compute.dtype`."""
    import torch

    parts = [] if compute.dtype == torch.float32 else [module.get_submodule(name) for name in _PARTS]
    for part in parts:
        part.forward = _autocast(part.forward, compute)
    try:
        yield
    finally:
        for part in parts:
            del part.forward


def _autocast(forward: Callable[..., Any], compute: Compute) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        with compute.autocast():
            output = forward(*args, **kwargs)
        return _in_float32(output)

    return run


def _in_float32(value: Any) -> Any:
    """Tensors as float32, inside tuples, named tuples and lists too."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.float()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_in_float32, value))
    if isinstance(value, (tuple, list)):
        return type(value)(map(_in_float32, value))
    return value
