"""Two processes share a device: none counts on what the other is going to take, and what is idle gives way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from immichvr_inference.ledger import MemoryLedger, Request, Share

HOLDER = Path(__file__).with_name("holder.py")
ROOM_FOR_ONE = 8
"""Megabytes: a network of four needs 5.2 at work."""
ROOM_FOR_BOTH = 12


class Other:
    """Another process, which does what it is told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def tell(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, words: str) -> str:
        self.tell(words)
        return self.hear()


Both = Callable[..., tuple[Other, Other]]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared") / "ledger"


@pytest.fixture(scope="module")
def processes(ledger: Path) -> Iterator[tuple[Other, Other]]:
    with ExitStack() as stack:

        def start() -> Other:
            command = [sys.executable, str(HOLDER), str(ledger)]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            return Other(process)

        yield start(), start()


@pytest.fixture
def both(processes: tuple[Other, Other]) -> Iterator[Both]:
    """Two processes on a device of so many megabytes, the second of which waits so long for memory."""

    def on(total_mb: int = ROOM_FOR_ONE, wait_s: float = 60) -> tuple[Other, Other]:
        for one, seconds in zip(processes, (60, wait_s), strict=True):
            assert one.ask("forget") == "forgotten"
            one.tell(f"on {total_mb} {seconds}")
        return processes

    yield on


def pages(ledger: Path) -> list[dict[str, dict[str, dict[str, int]]]]:
    return [json.loads(page.read_text() or "{}") for page in ledger.glob("*.json")]


def test_what_is_idle_in_one_process_gives_way_to_another(both: Both) -> None:
    first, second = both()
    assert first.ask("run a") == "made"
    assert first.ask("loaded") == "a"
    assert second.ask("run b") == "made"
    assert first.ask("loaded") == ""
    assert second.ask("loaded") == "b"
    assert first.ask("run a") == "made"
    assert second.ask("loaded") == ""


def test_nothing_gives_way_to_what_is_loaded_ahead(both: Both) -> None:
    first, second = both()
    assert first.ask("run a") == "made"
    assert second.ask("preload b") == "b: it needs 5 MB of cpu memory and 3 MB are free"
    assert first.ask("loaded") == "a"


def test_where_there_is_room_for_both_nobody_gives_way_and_who_holds_what_is_written_down(
    both: Both, ledger: Path
) -> None:
    first, second = both(ROOM_FOR_BOTH)
    assert [first.ask("run a"), second.ask("run b")] == ["made", "made"]
    assert [first.ask("loaded"), second.ask("loaded")] == ["a", "b"]
    share = {"needs": 5_200_000, "holds": 4_000_000}
    assert sorted(map(str, pages(ledger))) == [str({"cpu": {"a": share}}), str({"cpu": {"b": share}})]


def test_what_is_at_work_is_waited_for(both: Both) -> None:
    first, second = both()
    first.tell("begin a")
    assert first.hear() == "at work"
    second.tell("run b")
    first.tell("end")
    assert second.hear() == "made"


def test_nobody_waits_for_ever_and_the_message_says_what_is_free(both: Both) -> None:
    first, second = both(wait_s=0.2)
    first.tell("begin a")
    assert first.hear() == "at work"
    assert second.ask("run b") == "b: it needs 5 MB of cpu memory and 3 MB are free"
    first.tell("end")


def test_what_a_killed_process_held_is_swept_away(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from immichvr_inference.ledger import MemoryLedger, Share
MemoryLedger(Path(sys.argv[1]), lambda _: 0).note("cpu", "a", Share(needs=9, holds=9))
print("noted", flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", script, str(tmp_path / "ledger")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert Other(process).hear() == "noted"
        ours = MemoryLedger(tmp_path / "ledger", lambda _: 0)
        with ours.locked():
            assert [holder.holds for holder in ours.holders("cpu")] == [9]
        process.kill()
        process.wait()
        with ours.locked():
            assert ours.holders("cpu") == []
        assert len(list((tmp_path / "ledger").glob("*.json"))) == len(list((tmp_path / "ledger").glob("*.sock"))) == 1
        ours.close()


def test_two_that_want_the_last_room_at_once_do_not_both_take_it(both: Both, ledger: Path) -> None:
    two = both()
    for round_number in range(5):
        for one in two:
            one.tell(f"run {round_number}")
        heard = [one.hear() for one in two]
        assert "made" in heard
        assert sum(share["holds"] for page in pages(ledger) for share in page["cpu"].values()) <= ROOM_FOR_ONE * 1e6


def test_what_a_model_is_going_to_take_is_not_free_for_another_process(tmp_path: Path) -> None:
    ours, theirs = (MemoryLedger(tmp_path / "ledger", lambda _: 0) for _ in range(2))
    theirs.note("cpu", "a", Share(needs=7))
    theirs.note("cpu", "b", Share(needs=9, holds=4))
    with ours.locked():
        [holder] = ours.holders("cpu")
        assert (holder.holds, holder.promised) == (4, 7)
        assert ours.holders("another") == []
    theirs.close()
    with ours.locked():
        assert ours.holders("cpu") == []
    assert ours.ask(holder, Request("cpu", 1, 0.1)) == 0, "nobody is there to give"
    ours.close()


def test_a_directory_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "ledger").symlink_to(tmp_path / "real")
    with pytest.raises(PermissionError, match="belongs to another user"):
        MemoryLedger(tmp_path / "ledger", lambda _: 0)


def test_services_with_temporary_files_apart_share_a_folder_and_the_ledger_of_memory(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    script = "from immichvr_inference import ledger; print(ledger.default_directory())"
    found = set()
    for service in ("ai", "inpaint"):
        temporary = tmp_path / service
        temporary.mkdir()
        command = [sys.executable, "-c", script]
        done = subprocess.run(
            command, env={**environment, "TMPDIR": str(temporary)}, capture_output=True, text=True, check=True
        )
        found.add(done.stdout.strip())
    assert found == {str(tmp_path / "immichvr-memory")}
    assert (tmp_path / "immichvr-memory").stat().st_mode & 0o077 == 0
