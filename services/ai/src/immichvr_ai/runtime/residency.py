"""Which networks are in memory: loaded on first use, gone when memory is short or nobody asks for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, TypeVar

from immichvr_common.telling import Residents, tell
from immichvr_models import registry

from immichvr_ai.errors import DeviceFailed, ModelUnavailable, NotEnoughMemory
from immichvr_ai.networks.base import Compute, Network
from immichvr_ai.runtime.device import device_of, precision_of
from immichvr_ai.runtime.memory import free_bytes, give_back, is_out_of_memory, weights_bytes
from immichvr_ai.settings import ModelsSettings, current_settings

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
EFFORTS = (1.0, 0.5)
"""Shares of a network's usual resolution: of the first try, and of the one after the device ran out of memory."""
_BEYOND_WEIGHTS = 1.3
"""Memory of a network at work over the size of its weights, where nobody has measured it."""


@dataclass(frozen=True)
class Loaded:
    """A network in memory. bytes: of its weights; device: where they are; idle_s: since it was last used."""

    key: str
    bytes: int
    device: str
    idle_s: float


@dataclass
class _Resident:
    key: str
    directory: Path
    module: torch.nn.Module
    device: torch.device
    bytes: int
    used: float


class Runtime:
    """Keeps networks in memory and runs them, one forward pass at a time, so that memory stays bounded.

    settings: by default those of the process; free: bytes that a device can still give, None where that is unknown.
    """

    def __init__(
        self,
        settings: ModelsSettings | None = None,
        free: Callable[[torch.device], int | None] = free_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chosen, self._free, self._clock = settings, free, clock
        self._residents: dict[str, _Resident] = {}
        self._lock = threading.RLock()
        self._sweeper: threading.Thread | None = None

    @cached_property
    def settings(self) -> ModelsSettings:
        """How this runtime runs networks."""
        return self._chosen or current_settings().models

    @cached_property
    def device(self) -> torch.device:
        """What this runtime runs networks on."""
        return device_of(self.settings)

    def run(self, key: str, directory: Path, network: Network, work: Callable[[torch.nn.Module, Compute], T]) -> T:
        """Do some work with a network, loaded from the directory unless it is in memory.

        work: gets the module and what to run on, in inference mode; it is called a second time, with half the effort,
        where the device ran out of memory. Raises ModelUnavailable (`not_installed`, `invalid_weights`,
        `out_of_memory`), NotEnoughMemory before anything is loaded, DeviceFailed, and what `work` raises.
        """
        with self._lock, _device_failures(key):
            resident = self._ready(key, directory, network)
            dtype = precision_of(self.settings, network, resident.device)
            try:
                for effort in EFFORTS:
                    with suppress(_Exhausted):
                        return _attempt(key, work, resident.module, Compute(resident.device, dtype, effort))
                    # Only now, as the error held the failed attempt's tensors.
                    self._keep_only(key)
            finally:
                resident.used = self._clock()
        raise ModelUnavailable(
            key, "out_of_memory", f"{resident.device.type} ran out of memory, at half the resolution too"
        )

    def load(self, key: str, directory: Path, network: Network) -> None:
        """Bring a network into memory ahead of its first use; raises what `run` raises before its work."""
        with self._lock, _device_failures(key):
            self._ready(key, directory, network).used = self._clock()

    def unload(self, key: str) -> bool:
        """Let go of a network and give its memory back; False where it was not in memory."""
        with self._lock:
            resident = self._residents.pop(key, None)
            if resident is None:
                return False
            device = resident.device
            del resident
            give_back(device)
            tell(Residents(frozenset(self._residents)))
        return True

    def unload_idle(self) -> tuple[str, ...]:
        """Let go of every network that nobody has used for `settings.idle_s`; their keys."""
        with self._lock:
            expired = tuple(
                key for key, one in self._residents.items() if self._clock() - one.used >= self.settings.idle_s
            )
            for key in expired:
                self.unload(key)
        return expired

    def loaded(self) -> tuple[Loaded, ...]:
        """The networks that are in memory, the one used longest ago first."""
        residents = sorted(self._residents.copy().values(), key=lambda one: one.used)
        now = self._clock()
        return tuple(Loaded(one.key, one.bytes, str(one.device), max(0.0, now - one.used)) for one in residents)

    def _ready(self, key: str, directory: Path, network: Network) -> _Resident:
        resident = self._residents.get(key)
        if resident is not None and resident.directory == directory:
            return resident
        self.unload(key)
        self._make_room(key, directory)
        module = _loaded(key, directory, network)
        try:
            module = module.to(self.device)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            module = None
        if module is None:
            give_back(self.device)
            raise NotEnoughMemory(key, f"its weights do not fit into the memory of {self.device.type}")
        size = sum(one.numel() * one.element_size() for one in (*module.parameters(), *module.buffers()))
        resident = _Resident(key, directory, module, self.device, size, self._clock())
        self._residents[key] = resident
        tell(Residents(frozenset(self._residents)))
        self._watch_idleness()
        return resident

    def _make_room(self, key: str, directory: Path) -> None:
        need = self._need(key, directory)
        while (free := self._free(self.device)) is not None and free < need:
            if not self._residents:
                raise NotEnoughMemory(
                    key,
                    f"it needs {need / 1e6:.0f} MB of {self.device.type} memory and {free / 1e6:.0f} MB are free",
                )
            self.unload(self.loaded()[0].key)

    def _need(self, key: str, directory: Path) -> int:
        measured_mb = None
        if key in registry:
            on_cpu = self.device.type == "cpu"
            measured_mb = registry[key].memory_cpu_mb if on_cpu else registry[key].memory_gpu_mb
        need = measured_mb * 1e6 if measured_mb else _BEYOND_WEIGHTS * weights_bytes(directory)
        return int(need + self.settings.spare_mb * 1e6)

    def _keep_only(self, key: str) -> None:
        for other in [one for one in self._residents if one != key]:
            self.unload(other)
        give_back(self.device)

    def _watch_idleness(self) -> None:
        if self._sweeper is None:
            self._sweeper = threading.Thread(target=self._sweep, name="idle-networks", daemon=True)
            self._sweeper.start()

    def _sweep(self) -> None:
        while True:
            time.sleep(max(1.0, self.settings.idle_s / 10))
            self.unload_idle()
            with self._lock:
                if not self._residents:
                    self._sweeper = None
                    return


class _Exhausted(Exception):
    """An attempt ran out of memory."""


def _attempt(key: str, work: Callable[[torch.nn.Module, Compute], T], module: torch.nn.Module, compute: Compute) -> T:
    import torch

    try:
        with torch.inference_mode():
            return work(module, compute)
    except (MemoryError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise _Exhausted from error
        raise


@contextmanager
def _device_failures(key: str) -> Iterator[None]:
    """Tells the failure of a device from others, wherever it shows: asking for free memory may be what fails."""
    import torch

    try:
        yield
    except torch.AcceleratorError as error:
        raise DeviceFailed(f"{key}: the device failed: {str(error).splitlines()[0]}") from error


def _loaded(key: str, directory: Path, network: Network) -> torch.nn.Module:
    from safetensors import SafetensorError

    try:
        return network.load(directory)
    except ImportError as error:
        raise ModelUnavailable(key, "not_installed", f"{error.name or error} is not installed") from error
    except MemoryError as error:
        raise NotEnoughMemory(key, "its weights do not fit into memory") from error
    except (OSError, ValueError, RuntimeError, KeyError, UnpicklingError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise NotEnoughMemory(key, "its weights do not fit into memory") from error
        raise ModelUnavailable(key, "invalid_weights", f"its weights do not make the network: {error}") from error


RUNTIME = Runtime()
"""The networks of this process."""
