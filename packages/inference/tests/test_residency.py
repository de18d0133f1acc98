"""Networks come on first use, leave when memory is short or nobody asks, and take their memory with them."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from immichvr_common.telling import ChildEvent, DeviceMemory, LoadedModels, tell_through
from immichvr_inference import Compute, Network, residency
from immichvr_inference import memory as memory_module
from immichvr_inference.errors import DeviceFailed, ModelUnavailable, NotEnoughMemory
from immichvr_inference.memory import free_bytes, memory_of, weights_bytes
from immichvr_inference.residency import Runtime
from immichvr_inference.settings import RuntimeSettings
from immichvr_models import Model, registry

MB = 1_000_000
CPU = RuntimeSettings(device="cpu", spare_mb=0)


@dataclass
class Fake:
    """A network of `size` bytes of weights in small tensors; `loads` counts."""

    size: int = 1000
    metric: bool = False
    bf16: bool = True
    loads: list[Path] = field(default_factory=list)

    def load(self, directory: Path) -> torch.nn.Module:
        self.loads.append(directory)
        module = torch.nn.Module()
        piece = 25_000
        for index in range(max(1, self.size // (4 * piece))):
            module.register_parameter(f"w{index}", torch.nn.Parameter(torch.full((piece,), 0.5), requires_grad=False))
        return module

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        return self.load(Path())


class Networks(dict[str, Network]):
    """A network for every key, made when it is first asked for."""

    def __missing__(self, key: str) -> Network:
        return self.setdefault(key, Fake())


def model(key: str) -> Model:
    """A model of which the registry knows no memory."""
    return registry["heuristic"].model_copy(update={"key": key})


@dataclass
class Machine:
    """Memory that a runtime's networks fill, `each` bytes apiece."""

    total: int
    each: int
    runtime: Runtime | None = None

    def free(self, device: torch.device) -> int:
        return self.total - self.each * len(self.runtime.loaded() if self.runtime else ())


def weights(folder: Path, key: str, size: int = 1000) -> Path:
    directory = folder / key
    directory.mkdir()
    with (directory / "model.safetensors").open("wb") as file:
        file.truncate(size)
    return directory


def nothing(module: torch.nn.Module, compute: Compute) -> None:
    return None


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def crowded(tmp_path: Path) -> tuple[Runtime, Callable[[str], Path]]:
    """A runtime on a machine that holds two networks of 100 MB, and a way to make directories of weights."""
    machine = Machine(total=250 * MB, each=100 * MB)
    runtime = Runtime(Networks(), CPU, free=machine.free, clock=Clock())
    machine.runtime = runtime
    return runtime, lambda key: weights(tmp_path, key, int(80 * MB / 1.3))


def test_nothing_is_loaded_before_its_first_use_and_then_once(tmp_path: Path) -> None:
    network, directory = Fake(), weights(tmp_path, "one")
    runtime = Runtime({"one": network}, CPU)
    assert runtime.loaded() == ()
    for _ in range(2):
        assert runtime.run(model("one"), directory, lambda module, compute: compute.effort) == 1.0
    assert network.loads == [directory]
    assert [one.key for one in runtime.loaded()] == ["one"]


def test_what_networks_and_the_gpu_hold_is_told_as_they_come_work_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[ChildEvent] = []
    taken = iter(range(100))
    monkeypatch.setattr(residency, "memory_of", lambda device: (next(taken) * MB, 80_000 * MB))
    tell_through(told.append)
    try:
        runtime = Runtime({"one": Fake(size=MB)}, CPU)
        runtime.run(model("one"), weights(tmp_path, "one"), lambda module, compute: None)
        runtime.unload("one")
    finally:
        tell_through(None)
    held = [one.memory for one in told if isinstance(one, LoadedModels)]
    assert held == [{("one", "cpu"): MB}, {}]
    devices = [one for one in told if isinstance(one, DeviceMemory)]
    assert [(one.used, one.total) for one in devices] == [(number * MB, 80_000 * MB) for number in range(3)]


def test_a_gpus_memory_is_asked_for_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (30, 80))
    assert memory_of(torch.device("cuda", 0)) == (50, 80)
    assert memory_of(torch.device("cpu")) is None


def test_other_files_under_the_same_key_are_loaded_in_the_place_of_the_old(tmp_path: Path) -> None:
    network = Fake()
    runtime = Runtime({"one": network}, CPU)
    old, new = weights(tmp_path, "old"), weights(tmp_path, "new")
    runtime.run(model("one"), old, nothing)
    runtime.run(model("one"), new, nothing)
    assert network.loads == [old, new]
    assert len(runtime.loaded()) == 1


def test_the_network_used_longest_ago_leaves_when_memory_is_short(
    crowded: tuple[Runtime, Callable[[str], Path]],
) -> None:
    runtime, make = crowded
    directories = {key: make(key) for key in ("a", "b", "c")}
    for key in ("a", "b", "a", "c"):
        runtime.run(model(key), directories[key], nothing)
    assert [one.key for one in runtime.loaded()] == ["a", "c"]


def test_what_is_loaded_into_free_memory_makes_no_other_leave(crowded: tuple[Runtime, Callable[[str], Path]]) -> None:
    runtime, make = crowded
    runtime.load(model("a"), make("a"), into_free=True)
    runtime.run(model("b"), make("b"), nothing)
    with pytest.raises(NotEnoughMemory):
        runtime.load(model("c"), make("c"), into_free=True)
    assert [one.key for one in runtime.loaded()] == ["a", "b"]


def test_too_little_memory_is_said_before_anything_is_read(tmp_path: Path) -> None:
    network = Fake()
    runtime = Runtime({"big": network}, CPU, free=lambda _: 100 * MB)
    with pytest.raises(NotEnoughMemory, match=r"it needs 130 MB of cpu memory and 100 MB are free") as refused:
        runtime.run(model("big"), weights(tmp_path, "big", 100 * MB), nothing)
    assert refused.value.code == "out_of_memory"
    assert network.loads == []


def test_what_the_registry_knows_of_a_models_memory_counts(tmp_path: Path) -> None:
    runtime = Runtime(Networks(), CPU, free=lambda _: 800 * MB)
    with pytest.raises(NotEnoughMemory, match="da2-small: it needs 820 MB"):
        runtime.run(registry["da2-small"], weights(tmp_path, "da2-small"), nothing)


def test_a_system_that_does_not_tell_its_memory_is_trusted(tmp_path: Path) -> None:
    runtime = Runtime(Networks(), CPU, free=lambda _: None)
    runtime.run(model("one"), weights(tmp_path, "one"), nothing)
    assert len(runtime.loaded()) == 1


def test_a_network_that_nobody_uses_leaves_after_its_time(tmp_path: Path) -> None:
    clock = Clock()
    runtime = Runtime(Networks(), RuntimeSettings(device="cpu", idle_s=60), clock=clock)
    runtime.run(model("old"), weights(tmp_path, "old"), nothing)
    clock.now = 50
    runtime.run(model("new"), weights(tmp_path, "new"), nothing)
    clock.now = 61
    assert runtime.unload_idle() == ("old",)
    assert [one.key for one in runtime.loaded()] == ["new"]
    assert runtime.unload("new") and not runtime.unload("new")


def test_after_memory_ran_out_everything_else_leaves_and_half_the_effort_is_tried_once(tmp_path: Path) -> None:
    runtime = Runtime(Networks(), CPU, clock=Clock())
    runtime.run(model("other"), weights(tmp_path, "other"), nothing)
    tries: list[tuple[float, list[str]]] = []

    def greedy(module: torch.nn.Module, compute: Compute) -> str:
        tries.append((compute.effort, [one.key for one in runtime.loaded()]))
        if compute.effort == 1.0:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 4 GiB")
        return "made"

    assert runtime.run(model("one"), weights(tmp_path, "one"), greedy) == "made"
    assert tries == [(1.0, ["other", "one"]), (0.5, ["one"])]


def test_a_failed_attempt_leaves_nothing_in_memory_for_the_second(tmp_path: Path) -> None:
    left: list[weakref.ref[torch.Tensor]] = []

    def greedy(module: torch.nn.Module, compute: Compute) -> bool:
        if compute.effort < 1.0:
            return left[0]() is None
        activations = torch.zeros(1000)
        left.append(weakref.ref(activations))
        raise torch.OutOfMemoryError("CUDA out of memory")

    assert Runtime(Networks(), CPU).run(model("one"), weights(tmp_path, "one"), greedy)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:119] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_memory_that_runs_out_twice_is_out_of_memory(tmp_path: Path, error: Exception) -> None:
    tries: list[float] = []

    def greedy(module: torch.nn.Module, compute: Compute) -> None:
        tries.append(compute.effort)
        raise error

    with pytest.raises(ModelUnavailable, match="one: cpu ran out of memory") as failed:
        Runtime(Networks(), CPU).run(model("one"), weights(tmp_path, "one"), greedy)
    assert failed.value.code == "out_of_memory"
    assert not isinstance(failed.value, NotEnoughMemory)
    assert tries == [1.0, 0.5]


def test_any_other_failure_is_told_as_it_is_and_not_repeated(tmp_path: Path) -> None:
    tries: list[float] = []

    def broken(module: torch.nn.Module, compute: Compute) -> None:
        tries.append(compute.effort)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        Runtime(Networks(), CPU).run(model("one"), weights(tmp_path, "one"), broken)
    assert tries == [1.0]


def test_a_device_that_failed_is_told_apart_so_that_its_process_goes(tmp_path: Path) -> None:
    def broken(module: torch.nn.Module, compute: Compute) -> None:
        raise torch.AcceleratorError("CUDA error: device-side assert triggered\nCUDA kernel errors might be …")

    with pytest.raises(DeviceFailed, match=r"^one: the device failed: CUDA error: device-side assert triggered$") as it:
        Runtime(Networks(), CPU).run(model("one"), weights(tmp_path, "one"), broken)
    assert (it.value.code, it.value.retriable) == ("worker_crashed", True)

    def asked(device: torch.device) -> int:
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")

    with pytest.raises(DeviceFailed):
        Runtime(Networks(), CPU, free=asked).load(model("two"), weights(tmp_path, "two"))


def test_an_upstream_that_is_not_installed_is_named(tmp_path: Path) -> None:
    class Absent(Fake):
        def load(self, directory: Path) -> torch.nn.Module:
            raise ModuleNotFoundError("No module named 'sharp'", name="sharp")

    with pytest.raises(ModelUnavailable, match="sharp is not installed") as failed:
        Runtime({"one": Absent()}, CPU).load(model("one"), weights(tmp_path, "one"))
    assert failed.value.code == "not_installed"


@pytest.mark.parametrize(
    ("precision", "bears", "expected"),
    [("auto", True, torch.float32), ("bfloat16", True, torch.bfloat16), ("bfloat16", False, torch.float32)],
)
def test_bfloat16_is_used_where_it_is_wanted_and_borne(
    tmp_path: Path, precision: Any, bears: bool, expected: torch.dtype
) -> None:
    runtime = Runtime({"one": Fake(bf16=bears)}, RuntimeSettings(device="cpu", precision=precision))
    used = runtime.run(model("one"), weights(tmp_path, "one"), lambda module, compute: compute.dtype)
    assert used == expected


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")
def test_unloading_gives_memory_back_to_the_system(tmp_path: Path) -> None:
    size = 200 * MB
    runtime = Runtime({"small": Fake(size=1000), "large": Fake(size=size)}, CPU)
    directory = weights(tmp_path, "large")
    runtime.run(model("small"), directory, nothing)
    runtime.unload("small")
    before = resident_bytes()
    runtime.run(model("large"), directory, nothing)
    loaded = resident_bytes()
    assert runtime.loaded()[0].bytes == pytest.approx(size, rel=0.01)
    runtime.unload("large")
    after = resident_bytes()
    assert loaded - before > 0.9 * size
    assert after - before < 0.1 * size


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_unloading_gives_memory_back_to_the_gpu(tmp_path: Path) -> None:
    size = 200 * MB
    runtime = Runtime({"large": Fake(size=size)}, RuntimeSettings(device="cuda", spare_mb=0))
    directory = weights(tmp_path, "large")
    torch.zeros(1, device="cuda")
    torch.cuda.empty_cache()
    before, _ = torch.cuda.mem_get_info()
    runtime.run(model("large"), directory, nothing)
    loaded, _ = torch.cuda.mem_get_info()
    runtime.unload("large")
    after, _ = torch.cuda.mem_get_info()
    assert before - loaded > 0.9 * size
    assert before - after < 0.1 * size


def test_free_memory_is_what_the_container_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text("1000000000\n")
    (tmp_path / "memory.current").write_text("700000000\n")
    (tmp_path / "memory.stat").write_text("anon 500000000\ninactive_file 100000000\n")
    group = (tmp_path / "memory.max", tmp_path / "memory.current", "inactive_file")
    monkeypatch.setattr(memory_module, "_CGROUPS", (group,))
    assert free_bytes(torch.device("cpu")) == 400_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert (free_bytes(torch.device("cpu")) or 0) > 400_000_000


def test_a_header_nested_without_end_is_no_weights_and_no_crash(tmp_path: Path) -> None:
    header = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert weights_bytes(tmp_path) == 8 + len(header)
