"""The processes of `immichvr up`: who may see what, what happens when one dies, and how all of them end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import skimage.data
from immichvr_common.embedded import free_ports
from PIL import Image

COMMAND = Path(sys.executable).with_name("immichvr")


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    photos, data = tmp_path_factory.mktemp("photos"), tmp_path_factory.mktemp("data")
    Image.fromarray(skimage.data.coffee()).save(photos / "coffee.jpg")
    return ["--photos", str(photos), "--data", str(data), "--port", str(free_ports(1)[0])]


@contextmanager
def up(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A stack that runs; whatever a test leaves of it is ended."""
    command = [COMMAND, "up", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    """What the command prints, up to the line with these words."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if words in line:
            return lines
    raise AssertionError("\n".join(lines))


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def test_a_stack_keeps_its_secrets_and_its_directory_restarts_what_dies_and_ends_with_who_watches_it(
    arguments: list[str],
) -> None:
    data = Path(arguments[3])
    with up(arguments) as process:
        read_until(process, "running")
        parts = family(process)
        assert len(parts) >= 5

        secrets = [path.read_text().strip() for path in (data / "secrets").iterdir()]
        for part in parts:
            assert not [secret for secret in secrets if secret in " ".join(part.cmdline())]

        second = subprocess.run([COMMAND, "up", *arguments], capture_output=True, text=True, timeout=60)
        assert second.returncode == 2
        assert second.stderr.strip() == (
            f"immichvr: already running on {data} (process {process.pid}): "
            "end that one first, or name another directory with --data"
        )

        converter = next(part for part in parts if "immichvr_converter" in part.cmdline())
        converter.kill()
        told = read_until(process, "converter is up again")
        assert any("converter was ended by signal 9" in line for line in told)

        parts = family(process)
        process.kill()  # as the system does when memory is short: nobody is asked to end
        _, alive = psutil.wait_procs(parts, timeout=20)
        assert not alive or sys.platform != "linux"


# In short, that ports are remembered is held by apps/local/tests/test_ports.py, and in which order a stack ends by
# test_supervisor.py there.
@pytest.mark.long
def test_a_stack_that_was_killed_starts_at_the_same_addresses_and_ends_in_order(arguments: list[str]) -> None:
    with up(arguments) as process:
        first = read_until(process, "running")
        parts = family(process)
        process.kill()
        psutil.wait_procs(parts, timeout=20)
    with up(arguments) as process:
        again = read_until(process, "running")
        assert [line for line in again if "://" in line] == [line for line in first if "://" in line]
        parts = family(process)
        os.kill(process.pid, signal.SIGTERM)
        assert read_until(process, "ended")[-1] == "ended"
        assert process.wait(30) == 0
        assert not psutil.wait_procs(parts, timeout=5)[1]
