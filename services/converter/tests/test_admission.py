"""Memory is taken in turns."""

import fcntl
import os
import subprocess
import sys
import tempfile
import threading
import tracemalloc
from contextlib import ExitStack, nullcontext
from pathlib import Path

import immichvr_splats
import numpy as np
import pytest
from immichvr_common.tasks import Task
from immichvr_converter import jobs
from immichvr_converter.conversion.admission import MemoryBudget
from immichvr_converter.conversion.errors import TooLarge
from immichvr_converter.conversion.estimates import memory_to_merge
from immichvr_converter.conversion.files import convert
from immichvr_converter.conversion.targets import choose_target
from immichvr_splats import Camera, GaussianCloud, ReadLimits, Reduction, write


def waiter(budget: MemoryBudget, needed: int, name: str, told: list[str]) -> tuple[threading.Thread, threading.Event]:
    """Someone who asks for memory in a thread; the event is set once it has to wait."""
    waits = threading.Event()

    def ask() -> None:
        with budget.admitted(needed, waits.set):
            told.append(name)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, waits


def test_what_does_not_fit_beside_others_waits_until_they_are_done(tmp_path: Path) -> None:
    budget, told = MemoryBudget(100, tmp_path / "memory"), []
    with budget.admitted(60):
        with budget.admitted(40):
            told.append("small one beside")
        thread, waits = waiter(budget, 50, "large one", told)
        assert waits.wait(10)
        told.append("first one done")
    thread.join(10)
    assert told == ["small one beside", "first one done", "large one"]
    assert [path.name for path in (tmp_path / "memory").iterdir()] == ["lock"]


def test_a_large_one_is_not_overtaken_by_small_ones(tmp_path: Path) -> None:
    budget, told = MemoryBudget(100, tmp_path / "memory"), []
    with budget.admitted(60):
        large, waits = waiter(budget, 100, "large", told)
        assert waits.wait(10)
        small, waits = waiter(budget, 10, "small", told)
        assert waits.wait(10)
    large.join(10)
    small.join(10)
    assert told == ["large", "small"]


def test_what_never_fits_is_too_large_at_once(tmp_path: Path) -> None:
    budget = MemoryBudget(2**20, tmp_path)
    with pytest.raises(TooLarge, match=r"about 2 MiB .* may take 1 MiB together"), budget.admitted(2**21):
        pass


def test_a_process_that_is_killed_gives_its_memory_back(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from immichvr_converter.conversion.admission import MemoryBudget\n"
        "with MemoryBudget(100, pathlib.Path(sys.argv[1])).admitted(100):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    told: list[str] = []
    thread, waits = waiter(MemoryBudget(100, tmp_path), 1, "next", told)
    assert waits.wait(10)
    process.kill()
    thread.join(10)
    process.communicate()
    assert told == ["next"]


def test_a_compressed_file_that_does_not_fit_is_refused_before_it_is_unpacked(
    make_cloud, tmp_path: Path, monkeypatch
) -> None:
    write(make_cloud(10), tmp_path / "a.spz")
    monkeypatch.setattr(immichvr_splats, "open_cloud", lambda *_: pytest.fail("it was unpacked"))
    budget = MemoryBudget(2**20, tmp_path / "memory")
    with pytest.raises(TooLarge, match="may take 1 MiB together"):
        convert(tmp_path / "a.spz", "spz", [choose_target("ply", "")], tmp_path, ReadLimits(), budget, lambda _: None)


def test_a_job_beyond_the_budget_is_refused_with_what_it_would_take(make_cloud, tmp_path: Path, monkeypatch) -> None:
    write(make_cloud(10), tmp_path / "a.ply")
    monkeypatch.setenv("IMMICHVR_CONVERTER_LIMITS__MEMORY_MB", "5")
    jobs.memory_budget.cache_clear()
    task = Task("convert", {"toFormat": "spz", "modelKey": "m"}, {"splat": tmp_path / "a.ply"}, tmp_path)
    try:
        with pytest.raises(TooLarge, match="may take 5 MiB together"):
            jobs.perform(task, lambda *_: None)
    finally:
        jobs.memory_budget.cache_clear()
    assert not list(tmp_path.glob("splat.*"))


def test_nobody_else_can_hold_up_conversions_by_laying_out_their_folder_first(
    make_cloud, tmp_path: Path, monkeypatch
) -> None:
    shared = tmp_path / "everybody's"
    shared.mkdir()
    for name in ("immichvr-converter-memory", f"immichvr-converter-memory-{os.getuid()}"):
        trap = shared / name
        trap.mkdir()
        trap.chmod(0o777)
    monkeypatch.setenv("TMPDIR", str(shared))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("IMMICHVR_CONVERTER_WORK__DIRECTORY", str(shared))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    write(make_cloud(10), tmp_path / "a.ply")
    task = Task("convert", {"toFormat": "spz", "modelKey": "m"}, {"splat": tmp_path / "a.ply"}, tmp_path)
    jobs.memory_budget.cache_clear()
    try:
        with ExitStack() as held:
            for trap in shared.iterdir():
                fcntl.flock(held.enter_context((trap / "lock").open("w")), fcntl.LOCK_EX)
            [made] = jobs.perform(task, lambda *_: None)
        assert [file.name for file in made.files] == ["splat.spz"]
        assert jobs.memory_budget().folder == tmp_path / "cache" / "immichvr-converter-memory"
    finally:
        jobs.memory_budget.cache_clear()


def test_what_is_merged_is_counted_with_the_pictures_that_it_is_to_look_like(make_cloud, tmp_path: Path) -> None:
    write(make_cloud(10), tmp_path / "a.ply")
    budget = MemoryBudget(65 * 2**20, tmp_path / "memory")
    for variant, fits in (("full", True), ("light", False)):
        target = choose_target("spz", variant)
        with nullcontext() if fits else pytest.raises(TooLarge, match="may take 65 MiB together"):
            convert(tmp_path / "a.ply", "ply", [target], tmp_path, ReadLimits(), budget, lambda _: None)


def test_merging_takes_no_more_memory_than_is_counted_where_each_gaussian_fills_the_picture() -> None:
    count, random = 1550, np.random.default_rng(0)
    cloud = GaussianCloud(
        means=np.column_stack((random.uniform(-0.3, 0.3, (count, 2)), random.uniform(2, 3, count))),
        log_scales=np.full((count, 3), 1.5),
        quaternions=np.tile([1.0, 0, 0, 0], (count, 1)),
        opacity_logits=np.full(count, -3.0),
        sh=random.uniform(-0.5, 0.5, (count, 1, 3)),
        camera=Camera(900, 900, 480, 360, 960, 720),
    )
    Reduction(cloud.rows(slice(20))).to(10)  # what loading kernels takes is not counted
    tracemalloc.start()
    try:
        Reduction(cloud).to(count - 10)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 40 * 2**20 < taken < memory_to_merge(count, 0)
