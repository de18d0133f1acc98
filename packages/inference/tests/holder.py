"""A process that runs networks on a fake device: holder.py LEDGER; does what its input says, a line at a time.

`on MB WAIT_S`: the device's memory, and for how long to wait for it. `run KEY`: says what became of it. `begin KEY`:
works with it until `end`. `preload KEY`: as `run`, without work, into what is free. `loaded`: says what is in memory.
`forget`: unloads everything.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import torch
from immichvr_inference import Compute, Network
from immichvr_inference.errors import NotEnoughMemory
from immichvr_inference.residency import Runtime
from immichvr_inference.settings import RuntimeSettings
from immichvr_models import registry

MB = 1_000_000
WEIGHTS = 4 * MB


class Sized:
    """A network of four megabytes."""

    metric = False
    bf16 = False

    def load(self, directory: Path) -> torch.nn.Module:
        module = torch.nn.Module()
        module.register_buffer("weights", torch.zeros(WEIGHTS // 4))
        return module

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        return self.load(Path())


class Networks(dict[str, Network]):
    """Such a network for every key."""

    def __missing__(self, key: str) -> Network:
        return self.setdefault(key, Sized())


def say(words: str) -> None:
    """One line for whoever started this process."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


class Process:
    """Runs networks on a device whose memory is what the ledger says that processes hold of it."""

    def __init__(self, ledger: Path) -> None:
        self._runtime = Runtime(Networks(), RuntimeSettings(device="cpu", spare_mb=0), ledger, self._free)
        self._ledger, self._total = ledger, 0
        self._directory = ledger.parent / "weights"
        self._directory.mkdir(exist_ok=True)
        with (self._directory / "weights.bin").open("wb") as file:
            file.truncate(WEIGHTS)

    def _free(self, device: torch.device) -> int:
        pages = [json.loads(page.read_text() or "{}") for page in self._ledger.glob("*.json")]
        return self._total - sum(share["holds"] for page in pages for share in page.get("cpu", {}).values())

    def run(self, key: str, until: threading.Event | None = None) -> str:
        """Works with a network; what became of it, in words."""

        def work(module: torch.nn.Module, compute: Compute) -> None:
            if until is not None:
                say("at work")
                until.wait(60)

        model = registry["heuristic"].model_copy(update={"key": key})
        try:
            self._runtime.run(model, self._directory, work)
        except NotEnoughMemory as error:
            return str(error)
        return "made"

    def preload(self, key: str) -> str:
        """As `run`, without work, and only into memory that is free."""
        model = registry["heuristic"].model_copy(update={"key": key})
        try:
            self._runtime.load(model, self._directory, into_free=True)
        except NotEnoughMemory as error:
            return str(error)
        return "made"

    def serve(self) -> None:
        """Does what the input says, a line at a time."""
        for line in sys.stdin:
            word, _, key = line.strip().partition(" ")
            if word == "on":
                megabytes, wait_s = key.split()
                self._total, self._runtime.settings.wait_s = int(megabytes) * MB, float(wait_s)
            elif word == "forget":
                for one in self._runtime.loaded():
                    self._runtime.unload(one.key)
                say("forgotten")
            elif word == "run":
                say(self.run(key))
            elif word == "preload":
                say(self.preload(key))
            elif word == "begin":
                ends = threading.Event()
                threading.Thread(target=self.run, args=(key, ends), daemon=True).start()
            elif word == "end":
                ends.set()
            else:
                say(",".join(one.key for one in self._runtime.loaded()))


if __name__ == "__main__":
    Process(Path(sys.argv[1])).serve()
