"""Upstream's networks: with the weights of a file, or made small with random ones.

A network is built by the key of our registry from the YAML files in upstream's package. Nothing that was downloaded
says what to build: upstream's configuration evaluates expressions in such files.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

WEIGHTS = "model.safetensors"
_PREFIX = "model."
"""Of tensors in published files: they hold upstream's API object, whose attribute `model` is the network."""
_HERE = __package__
_WIDTH = 48

_TINY_BACKBONE = {
    "__object__": {"path": f"{_HERE}.tiny", "name": "TinyBackbone", "args": "as_params"},
    "out_layers": [0, 1, 2, 3],
    "width": _WIDTH,
    "heads": 3,
}
_TINY_HEAD = {"features": 16, "out_channels": [8, 8, 16, 16]}


def full(key: str) -> torch.nn.Module:
    """The network of this key at its real size, its parameters on the `meta` device: no memory, no values."""
    with _on_meta():
        return _created(_configuration(key)).eval()


def full_random(key: str) -> torch.nn.Module:
    """The network of this key at its real size with random weights, on torch's default device, for measuring."""
    return _with_cameras(_created(_configuration(key)))


def tiny(key: str, seed: int) -> torch.nn.Module:
    """The network of this key with few random weights, the same for the same seed."""
    import torch
    from omegaconf import OmegaConf

    configuration = _configuration(key)
    for part in _parts(configuration):
        part.merge_with(OmegaConf.create(_small(part)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _with_cameras(_created(configuration))


def _with_cameras(network: Any) -> torch.nn.Module:
    """Random weights, but cameras with a field of view of about a radian, which a trained network gives."""
    import torch

    for name, parameter in network.named_parameters():
        if name.endswith("cam_dec.fc_fov.0.bias"):
            torch.nn.init.ones_(parameter)
    module: torch.nn.Module = network.eval()
    return module


def loaded(build: Callable[[], torch.nn.Module], directory: Path) -> torch.nn.Module:
    """The network that `build` makes with its parameters on `meta`, with the weights of `model.safetensors`.

    The weights are mapped from the file, not copied. Raises OSError, ValueError where they are not the network's:
    the first tensor that is missing or of another shape, and how many there are.
    """
    from safetensors import SafetensorError, safe_open

    network = build()
    wanted = network.state_dict(keep_vars=True)
    path = directory / WEIGHTS
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            stored = {name.removeprefix(_PREFIX): name for name in file.keys()}  # noqa: SIM118  # not a mapping
            sources = _sources(wanted, stored)
            _check(wanted, {name: tuple(file.get_slice(source).get_shape()) for name, source in sources.items()})
            tensors = {name: file.get_tensor(source).float() for name, source in sources.items()}
    except SafetensorError as error:
        raise ValueError(f"{WEIGHTS}: {error}") from error
    network.load_state_dict(tensors, assign=True)
    return network.eval()


def _sources(wanted: dict[str, torch.Tensor], stored: dict[str, str]) -> dict[str, str]:
    """The name in the file of each wanted tensor that is there.

    A tensor that several parts of the network share is in the file once, under one of their names.
    """
    shared = {id(wanted[name]): source for name, source in stored.items() if name in wanted}
    return {name: shared[id(tensor)] for name, tensor in wanted.items() if id(tensor) in shared}


def _check(wanted: dict[str, torch.Tensor], found: dict[str, tuple[int, ...]]) -> None:
    if absent := [name for name in wanted if name not in found]:
        raise ValueError(f"{WEIGHTS} lacks {len(absent)} of {len(wanted)} tensors, first of them {absent[0]}")
    if unfit := [name for name, tensor in wanted.items() if tuple(tensor.shape) != found[name]]:
        first = unfit[0]
        raise ValueError(
            f"{WEIGHTS} has {len(unfit)} of {len(wanted)} tensors of another shape, first of them {first}: "
            f"{found[first]} where {tuple(wanted[first].shape)} is wanted"
        )


def _configuration(key: str) -> Any:
    # Upstream registers a resolver in a way that OmegaConf 2.4 calls old, and scripts a function.
    warnings.filterwarnings("ignore", message="register_new_resolver")
    warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
    from depth_anything_3.cfg import load_config
    from depth_anything_3.registry import MODEL_REGISTRY
    from depth_anything_3.utils.logger import LOG_LEVELS, logger

    logger.level = LOG_LEVELS["ERROR"]  # it prints to standard output
    configuration = load_config(MODEL_REGISTRY[key])
    for part in _parts(configuration):
        if "gs_adapter" in part:
            part.gs_adapter["__object__"] = {"path": f"{_HERE}.raw", "name": "RawAdapter", "args": "as_params"}
    return configuration


def _parts(configuration: Any) -> list[Any]:
    """The configurations of the plain networks: the two of a nested one, or the only one."""
    nested = [configuration[name] for name in ("anyview", "metric") if name in configuration]
    return nested or [configuration]


def _small(part: Any) -> dict[str, Any]:
    """What to change in the configuration of a network so that it is tiny."""
    alternating = part.net.alt_start >= 0
    # Blocks before `alt_start` look at one view, then every other one at all of them; upstream picks a reference
    # view after the first block at the earliest.
    starts = dict.fromkeys(("alt_start", "qknorm_start", "rope_start"), 2 if alternating else -1)
    features = 2 * _WIDTH if part.net.cat_token else _WIDTH
    changes: dict[str, Any] = {"net": {**_TINY_BACKBONE, **starts}, "head": {**_TINY_HEAD, "dim_in": features}}
    if "cam_dec" in part:
        changes |= {"cam_enc": {"dim_out": _WIDTH, "num_heads": 3}, "cam_dec": {"dim_in": features}}
    if "gs_head" in part:
        changes |= {"gs_head": {**_TINY_HEAD, "dim_in": features}}
    return changes


def _created(configuration: Any) -> Any:
    from depth_anything_3.cfg import create_object

    return create_object(configuration)


def _on_meta() -> Any:
    """A context in which parameters take no memory, while what is computed on the way has values."""
    import torch
    from torch.overrides import TorchFunctionMode

    makers = (torch.empty, torch.zeros, torch.ones, torch.randn)

    class OnMeta(TorchFunctionMode):  # type: ignore[misc]  # torch is not followed by mypy
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = dict(kwargs or {})
            if func in makers:
                kwargs["device"] = "meta"
            return func(*args, **kwargs)

    return OnMeta()
