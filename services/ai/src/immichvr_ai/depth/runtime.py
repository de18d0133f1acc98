"""Where networks run and which of them stay in memory. Torch is imported when the first one is loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from immichvr_ai.depth_map import FloatImage

if TYPE_CHECKING:
    import torch

Loader = Callable[[Path], "torch.nn.Module"]


@dataclass(frozen=True)
class Device:
    """What networks run on. name: a torch device, `auto` for the best one there is; threads: of the CPU."""

    name: str = "auto"
    threads: int | None = None

    def resolve(self) -> torch.device:
        """The torch device: CUDA, else Apple's GPU, else the CPU."""
        import torch

        if self.threads is not None:
            torch.set_num_threads(self.threads)
        if self.name != "auto":
            return torch.device(self.name)
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@dataclass
class Runtime:
    """Loads each network once and keeps it; one forward pass at a time, so that memory stays bounded."""

    device: Device = field(default_factory=Device)
    _resident: dict[tuple[str, Path], torch.nn.Module] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def infer(self, key: str, directory: Path, load: Loader, pixels: FloatImage) -> FloatImage:
        """Run the network of this key, loaded from the directory unless it is in memory.

        pixels: (1, 3, h, w) float32. Returns its `predicted_depth`, (h, w) float32.
        Raises what `load` raises; MemoryError where the device has not enough.
        """
        import torch

        with self._lock:
            try:
                network, device = self._network(key, directory, load)
                with torch.inference_mode():
                    output = network(torch.from_numpy(pixels).to(device)).predicted_depth
                return np.asarray(output[0].float().cpu().numpy(), np.float32)
            except torch.OutOfMemoryError as error:
                torch.cuda.empty_cache()
                raise MemoryError(str(error)) from error

    def loaded(self) -> tuple[str, ...]:
        """Keys of the networks that are in memory."""
        return tuple(key for key, _ in self._resident)

    def unload(self, key: str) -> None:
        """Let go of a network; the next call loads it again."""
        with self._lock:
            for resident in [resident for resident in self._resident if resident[0] == key]:
                del self._resident[resident]

    def _network(self, key: str, directory: Path, load: Loader) -> tuple[torch.nn.Module, torch.device]:
        device = self.device.resolve()
        if (key, directory) not in self._resident:
            self._resident[key, directory] = load(directory).to(device)
        return self._resident[key, directory], device
