"""Networks through transformers: loading them whole or not at all, and making small ones with random weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from immichvr_inference.network import Compute, View, ViewDepth
from immichvr_inference.torchvision_cpu import prepare_for_transformers

if TYPE_CHECKING:
    import torch


class PretrainedDepth(ABC):
    """A family of depth networks of transformers.

    architecture: the class in transformers. unused: what the names of tensors begin with that the forward pass never
    reads, so that published files may lack them.
    """

    architecture: ClassVar[str]
    unused: ClassVar[tuple[str, ...]] = ()
    metric = False
    bf16 = True

    def load(self, directory: Path) -> torch.nn.Module:
        """Load config.json and model.safetensors."""
        return load_pretrained(self.architecture, directory, self.unused)

    @abstractmethod
    def tiny(self, seed: int = 0) -> torch.nn.Module:
        """The same architecture made small, with random weights."""

    def depth(self, module: torch.nn.Module, views: Sequence[View], compute: Compute) -> list[ViewDepth]:
        """Depth of each photo, at the network's resolution."""
        return [self.depth_of_view(module, view, compute) for view in views]

    @abstractmethod
    def depth_of_view(self, module: torch.nn.Module, view: View, compute: Compute) -> ViewDepth:
        """Depth of one photo."""


def load_pretrained(architecture: str, directory: Path, unused: tuple[str, ...] = ()) -> torch.nn.Module:
    """A network of a class of transformers from config.json and model.safetensors, float32, in evaluation mode.

    Raises OSError, ValueError or RuntimeError where the files do not make the whole network, but for `unused`.
    """
    import torch

    prepare_for_transformers()
    import transformers
    from transformers.utils import logging

    logging.disable_progress_bar()  # it would write into the service's log
    logging.set_verbosity_error()  # as would its report of what did not fit, which is raised here
    network, info = getattr(transformers, architecture).from_pretrained(
        directory,
        local_files_only=True,
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        dtype=torch.float32,
    )
    if other := sorted(info["mismatched_keys"]):
        name, found, wanted = other[0]
        raise ValueError(f"{name} is {tuple(found)}, wants {tuple(wanted)}; {len(other)} tensors have another shape")
    if absent := sorted(name for name in info["missing_keys"] if not name.startswith(unused or "\0")):
        raise ValueError(f"the weights lack {len(absent)} tensors, first of them {absent[0]}")
    module: torch.nn.Module = network.eval()
    return module


def random_network(architecture: str, config: Any, seed: int, spread: float = 0.3) -> torch.nn.Module:
    """A network of a class of transformers with random weights that make its output vary over the picture.

    spread: standard deviation of all weights but biases, more than where training starts.
    """
    import torch

    prepare_for_transformers()
    import transformers

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: torch.nn.Module = getattr(transformers, architecture)(config).eval()
        with torch.no_grad():
            for weights in network.parameters():
                if weights.dim() > 1:
                    weights.normal_(0.0, spread)
    return network
