"""Building the network of github.com/apple/ml-sharp, which is used as it is."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from immichvr_inference.torchvision_cpu import import_torchvision

if TYPE_CHECKING:
    import torch

REVISION = "1eaa046834b81852261262b41b0919f5c1efdd2e"
REQUIREMENT = f"sharp @ git+https://github.com/apple/ml-sharp@{REVISION}"
WEIGHTS = "sharp_2572gikvuh.pt"

_TINY = "immichvr-tiny"
_RANDOM_FILLS = frozenset({"uniform_", "normal_", "trunc_normal_", "kaiming_uniform_", "kaiming_normal_", "erfinv_"})
_NAMED = 3


def full(weights: Path) -> torch.nn.Module:
    """The network with the published weights, mapped from the file. Raises ValueError where they are not that."""
    state = read_weights(weights)
    models = _models()
    with without_random_values():
        module = models.create_predictor(models.PredictorParams())
    return with_weights(module, state, weights.name)


def full_random() -> torch.nn.Module:
    """The full network with random weights, on torch's default device: it runs as long as with the published ones."""
    models = _models()
    return _with_random_ends(models.create_predictor(models.PredictorParams()))


def tiny(seed: int) -> torch.nn.Module:
    """The same architecture with 128 pixels inside and 8,192 Gaussians, random weights everywhere."""
    import torch

    models = _models()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _with_random_ends(models.create_predictor(tiny_parameters()))


def _models() -> Any:
    """The package `sharp.models`; raises ImportError with what to do."""
    try:
        import_torchvision()
        import sharp.models
    except ModuleNotFoundError as error:
        what = error.name if error.name and not error.name.startswith("sharp") else "SHARP's code"
        raise ModuleNotFoundError(
            f"{what} (pip install 'immichvr-networks[sharp]', or '{REQUIREMENT}'; sharp on PyPI is another project)"
        ) from error
    return sharp.models


def tiny_parameters() -> Any:
    from sharp.models.params import GaussianDecoderParams, MonodepthParams, PredictorParams
    from sharp.models.presets.monodepth import MONODEPTH_ENCODER_DIMS_MAP, MONODEPTH_HOOK_IDS_MAP
    from sharp.models.presets.vit import VIT_CONFIG_DICT, ViTConfig

    VIT_CONFIG_DICT[_TINY] = ViTConfig(
        in_chans=3, embed_dim=32, depth=4, num_heads=2, init_values=1e-5, img_size=32, global_pool="", num_classes=1
    )
    MONODEPTH_ENCODER_DIMS_MAP[_TINY] = [16] * 4
    MONODEPTH_HOOK_IDS_MAP[_TINY] = [0, 1, 2, 3]
    encoders = {"patch_encoder_preset": _TINY, "image_encoder_preset": _TINY, "dims_decoder": (16,) * 5}
    return PredictorParams(
        # Overlapping patches are joined with a margin that fits only patches of 384 pixels.
        monodepth=MonodepthParams(use_patch_overlap=False, **encoders),
        gaussian_decoder=GaussianDecoderParams(dim_out=16, **encoders),
    )


def _with_random_ends(module: Any) -> torch.nn.Module:
    """Gaussians of all shapes and a disparity above 0, where training begins with one shape, and a ReLU often at 0."""
    import torch

    with torch.no_grad():
        for parameter in module.prediction_head.parameters():
            parameter.normal_(0.0, 0.5)
        module.monodepth_model.monodepth_predictor.head[4].bias.fill_(0.5)
    made: torch.nn.Module = module.eval()
    return made


def read_weights(path: Path) -> Mapping[str, torch.Tensor]:
    """The tensors of a checkpoint by name; no code in it is run. Raises ValueError where it is something else."""
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (pickle.UnpicklingError, EOFError, KeyError, RuntimeError) as error:
        raise ValueError(f"{path.name} is no file of weights: {error}") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ValueError(f"{path.name} holds something else than tensors by name")
    return state


def with_weights(module: torch.nn.Module, state: Mapping[str, torch.Tensor], name: str) -> torch.nn.Module:
    """The module with these tensors, in evaluation mode. Raises ValueError naming what in the file `name` differs."""
    wanted = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in state.items()}
    wrong = [f"{key} is missing" for key in wanted if key not in found]
    wrong += [f"{key} is not part of the network" for key in found if key not in wanted]
    wrong += [
        f"{key} is {found[key]}, wants {wanted[key]}" for key in wanted if found.get(key, wanted[key]) != wanted[key]
    ]
    if wrong:
        more = f", and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
        raise ValueError(f"{name} does not fit SHARP: {'; '.join(wrong[:_NAMED])}{more}")
    module.load_state_dict(state, assign=True)
    return module.eval().requires_grad_(False)


def without_random_values() -> AbstractContextManager[object]:
    """A region in which parameters are made without being filled with random values, which takes 27 s for SHARP."""
    from torch.overrides import TorchFunctionMode

    class Unfilled(TorchFunctionMode):  # type: ignore[misc]  # torch is not typed here
        def __torch_function__(
            self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            if func.__name__ in _RANDOM_FILLS:
                return args[0] if args else (kwargs or {})["tensor"]
            return func(*args, **(kwargs or {}))

    return Unfilled()
