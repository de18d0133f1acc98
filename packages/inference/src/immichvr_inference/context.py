"""What it takes to run networks, in one piece."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from immichvr_models import Cache, DownloadError, Progress

from immichvr_inference.errors import ModelError, ModelUnavailable, UnknownModel
from immichvr_inference.network import Compute, Network
from immichvr_inference.residency import Runtime

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


@dataclass(frozen=True)
class RunContext:
    """What it takes to run networks beside the pictures they are to see.

    cache: where weights are, and whether they may be downloaded. runtime: the networks there are, the device they run
    on, and which of them are in memory. accepted: keys of the models whose licences somebody said yes to.
    on_download: told how far a download is; what it raises stops it.
    """

    cache: Cache
    runtime: Runtime
    accepted: Collection[str] = ()
    on_download: Callable[[Progress], None] | None = None

    @property
    def runs_on_cpu(self) -> bool:
        """Whether nothing faster than the CPU runs networks."""
        return bool(self.runtime.device.type == "cpu")

    def network(self, key: str) -> Network | None:
        """The network of this key; None where there is none."""
        return self.runtime.networks.get(key)

    def has_weights(self, key: str) -> bool:
        """Whether a model's weights are here, checked, and its licence is accepted or asks for nothing."""
        return self.cache.may_run(key, self.accepted)

    def weights(self, key: str) -> Path:
        """The directory of a model's weights, fetched if need be.

        Raises UnknownModel, ModelUnavailable with what stopped the download, and what `on_download` raises.
        """
        if key not in self.cache.registry:
            raise UnknownModel(f"there is no model {key!r}; there are: {', '.join(self.cache.registry.keys())}")
        try:
            return self.cache.ensure(self.cache.registry[key], self.on_download, accepted=key in self.accepted)
        except DownloadError as error:
            raise ModelUnavailable.not_fetched(key, error) from error

    def run(self, key: str, work: Callable[[torch.nn.Module, Compute], T]) -> tuple[T, str]:
        """Do some work with the network of this key, its weights fetched if need be.

        Returns what it made, and in words what it had to do without. Raises as `weights` does, ModelUnavailable with
        what stopped the network, and DeviceFailed.
        """
        efforts: list[float] = []

        def noted(module: torch.nn.Module, compute: Compute) -> T:
            efforts.append(compute.effort)
            return work(module, compute)

        directory = self.weights(key)
        try:
            made = self.runtime.run(self.cache.registry[key], directory, noted)
        except ModelError:
            raise
        except ImportError as error:
            raise ModelUnavailable(key, "not_installed", f"{error.name or error} is not installed") from error
        except (ValueError, RuntimeError) as error:
            raise ModelUnavailable(key, "invalid_weights", f"the network does not run: {error}") from error
        return made, f"{key} ran a second time with less effort, as memory ran out" if len(efforts) > 1 else ""
