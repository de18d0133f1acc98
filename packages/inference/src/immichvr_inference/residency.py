"""Which networks are in memory: loaded on first use, gone when memory is short or nobody asks for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, TypeVar

from immichvr_common.logs import get_log
from immichvr_common.telling import DeviceMemory, LoadedModels, tell
from immichvr_models import Model

from immichvr_inference.device import device_of, name_of, precision_of
from immichvr_inference.errors import DeviceFailed, ModelUnavailable, NotEnoughMemory
from immichvr_inference.ledger import MemoryLedger, Request, Share
from immichvr_inference.memory import free_bytes, give_back, is_out_of_memory, memory_of, weights_bytes
from immichvr_inference.network import Compute, Network
from immichvr_inference.settings import RuntimeSettings

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

log = get_log(__name__)

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

    networks: by the keys of the models whose weights they take. ledger: the directory in which the processes of this
    machine write down what they hold; without one, this process reckons with no other. free: bytes that a device can
    still give, None where that is unknown.
    """

    def __init__(
        self,
        networks: Mapping[str, Network],
        settings: RuntimeSettings,
        ledger: Path | None = None,
        free: Callable[[torch.device], int | None] = free_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.networks, self.settings, self._free, self._clock = networks, settings, free, clock
        self._ledger_directory = ledger
        self._waits = False
        self._residents: dict[str, _Resident] = {}
        self._lock = threading.RLock()
        self._sweeper: threading.Thread | None = None

    @cached_property
    def device(self) -> torch.device:
        """What this runtime runs networks on."""
        return device_of(self.settings)

    @cached_property
    def _ledger(self) -> MemoryLedger | None:
        if self._ledger_directory is None:
            return None
        try:
            return MemoryLedger(self._ledger_directory, self._release)
        except OSError as error:
            log.warning("memory is not shared with other processes", reason=str(error))
            return None

    @cached_property
    def _device_name(self) -> str:
        return name_of(self.device)

    def run(self, model: Model, directory: Path, work: Callable[[torch.nn.Module, Compute], T]) -> T:
        """Do some work with a model's network, loaded from the directory unless it is in memory.

        work: gets the module and what to run on, in inference mode; it is called a second time, with half the effort,
        where the device ran out of memory. Raises ModelUnavailable (`not_installed`, `invalid_weights`,
        `out_of_memory`), NotEnoughMemory before anything is loaded, DeviceFailed, and what `work` raises.
        """
        key = model.key
        with self._lock, _device_failures(key):
            resident = self._ready(model, directory)
            dtype = precision_of(self.settings, self.networks[key], resident.device)
            try:
                for effort in EFFORTS:
                    with suppress(_Exhausted):
                        return _attempt(key, work, resident.module, Compute(resident.device, dtype, effort))
                    # Only now, as the error held the failed attempt's tensors.
                    self._keep_only(key)
            finally:
                resident.used = self._clock()
                self._tell_device()
        raise ModelUnavailable(
            key, "out_of_memory", f"{resident.device.type} ran out of memory, at half the resolution too"
        )

    def load(self, model: Model, directory: Path, into_free: bool = False) -> None:
        """Bring a network into memory ahead of its first use; raises what `run` raises before its work.

        into_free: only where no other has to leave memory for it, here or in another process.
        """
        with self._lock, _device_failures(model.key):
            self._ready(model, directory, into_free).used = self._clock()

    def unload(self, key: str) -> bool:
        """Let go of a network and give its memory back; False where it was not in memory."""
        with self._lock:
            resident = self._residents.pop(key, None)
            if resident is None:
                return False
            device = resident.device
            del resident
            give_back(device)
            self._note(key, None)
            self._tell()
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

    def _ready(self, model: Model, directory: Path, into_free: bool = False) -> _Resident:
        key = model.key
        resident = self._residents.get(key)
        if resident is not None and resident.directory == directory:
            return resident
        self.unload(key)
        needs = self._make_room(model, directory, into_free)
        try:
            module = self._on_device(key, _loaded(key, directory, self.networks[key]))
        except BaseException:
            self._note(key, None)
            raise
        size = sum(one.numel() * one.element_size() for one in (*module.parameters(), *module.buffers()))
        self._note(key, Share(max(needs, size), size))
        resident = _Resident(key, directory, module, self.device, size, self._clock())
        self._residents[key] = resident
        self._tell()
        self._watch_idleness()
        return resident

    def _on_device(self, key: str, module: torch.nn.Module) -> torch.nn.Module:
        try:
            return module.to(self.device)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        give_back(self.device)
        raise NotEnoughMemory(key, f"its weights do not fit into the memory of {self.device.type}")

    def _make_room(self, model: Model, directory: Path, into_free: bool) -> int:
        """Bytes that the model needs, free now and reserved; own networks leave first, then others' idle ones.

        into_free: none of them does.
        """
        needs = self._need(model, directory)
        deadline = time.monotonic() + self.settings.wait_s
        while (lacking := self._reserve(model.key, needs)) > 0:
            if self._residents and not into_free:
                self.unload(self.loaded()[0].key)
            elif into_free or not self._others_gave(lacking, deadline):
                wanted = needs + self._spare
                raise NotEnoughMemory(
                    model.key,
                    f"it needs {wanted / 1e6:.0f} MB of {self.device.type} memory and "
                    f"{max(0, wanted - lacking) / 1e6:.0f} MB are free",
                )
        return needs

    def _need(self, model: Model, directory: Path) -> int:
        measured_mb = model.memory_cpu_mb if self.device.type == "cpu" else model.memory_gpu_mb
        return int(measured_mb * 1e6 if measured_mb else _BEYOND_WEIGHTS * weights_bytes(directory))

    @property
    def _spare(self) -> int:
        return int(self.settings.spare_mb * 1e6)

    def _reserve(self, key: str, needs: int) -> int:
        """Notes that a model is going to take so much, where that is free; else the bytes that are lacking."""
        ledger = self._ledger
        with ledger.locked() if ledger is not None else nullcontext():
            free = self._free(self.device)
            if free is not None:
                others = ledger.holders(self._device_name) if ledger is not None else []
                lacking = needs + self._spare + sum(other.promised for other in others) - free
                if lacking > 0:
                    return lacking
            self._note(key, Share(needs))
            return 0

    def _others_gave(self, lacking: int, deadline: float) -> bool:
        """Whether another process gave back memory; the ones that hold most are asked first."""
        if self._ledger is None:
            return False
        with self._ledger.locked():
            holders = self._ledger.holders(self._device_name)
        self._waits = True
        try:
            for holder in sorted(holders, key=lambda one: one.holds, reverse=True):
                seconds = deadline - time.monotonic()
                if seconds > 0 and self._ledger.ask(holder, Request(self._device_name, lacking, seconds)) > 0:
                    return True
        finally:
            self._waits = False
        return False

    def _release(self, request: Request) -> int:
        """Lets go of networks that are not at work, for another process; bytes of their weights."""
        # Without the lock: whoever waits for others' memory has none to give, and is not to be waited for by them.
        if self._waits or request.device != self._device_name:
            return 0
        freed = 0
        if self._lock.acquire(timeout=request.seconds):
            try:
                for one in self.loaded():
                    if freed < request.bytes:
                        self.unload(one.key)
                        freed += one.bytes
            finally:
                self._lock.release()
        return freed

    def _note(self, key: str, share: Share | None) -> None:
        if self._ledger is not None:
            self._ledger.note(self._device_name, key, share)

    def _tell(self) -> None:
        """Has the parent know which networks are in memory, and how much of it they take."""
        memory = {(one.key, one.device.type): one.bytes for one in self._residents.values()}
        tell(LoadedModels(frozenset(self._residents), memory))
        self._tell_device()

    def _tell_device(self) -> None:
        if (told := memory_of(self.device)) is not None:
            tell(DeviceMemory(self._device_name, *told))

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
            try:
                self.unload_idle()
            except Exception:  # the disk may be full; what is idle is unloaded next time
                log.exception("idle networks cannot be unloaded")
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
