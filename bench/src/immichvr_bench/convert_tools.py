"""The converters that are measured: ours and its peers, installed in environments of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PYTHON_PEERS = ("gaussforge==0.6.0", "gsply[spz]==0.4.6", "ply2splat==0.6.0")
NODE_PEERS = ("@playcanvas/splat-transform@3.7.0", "node@22.23.3", "@mkkellogg/gaussian-splats-3d@0.4.7")
OURS, LIMIT = "ours", "limit"
_HERE = Path(__file__).parent
_SAMPLE_SECONDS = 0.002
_LONGEST_SECONDS = 900.0


class FailedError(RuntimeError):
    """A tool could not do a conversion."""


@dataclass(frozen=True)
class Job:
    """A conversion from file to file. source, target: keys of our formats. options: of our writer."""

    input: Path
    output: Path
    source: str
    target: str
    options: dict[str, Any] = field(default_factory=dict)
    sh_degree: int = 0


@dataclass(frozen=True)
class Measure:
    """Seconds of wall and CPU, and how far memory that is no mapped file grew, bytes."""

    wall: float
    cpu: float
    memory: int


class Resident:
    """Samples anonymous resident memory of a process from outside, so that no tool's own work is slowed or missed."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._done = threading.Event()
        self.first = self.peak = self._now()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Resident:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(_SAMPLE_SECONDS):
            self.peak = max(self.peak, self._now())

    def _now(self) -> int:
        try:
            lines = self._status.read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon:", "RssShmem:")))


class WarmTool:
    """A converter that stays in memory between conversions."""

    in_process = True

    def __init__(self, name: str, python: Path) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [python, _HERE / "convert_worker.py", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer()

    def convert(self, job: Job) -> Measure:
        request = {
            "input": str(job.input),
            "output": str(job.output),
            "source": job.source,
            "target": job.target,
            "options": job.options,
        }
        assert self._process.stdin is not None
        with Resident(self._process.pid) as resident:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer = self._answer()
        if "error" in answer:
            raise FailedError(str(answer["error"]))
        return Measure(answer["wall"], answer["cpu"], resident.peak - resident.first)

    def close(self) -> None:
        self._process.communicate(timeout=30)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise FailedError(f"{self.name} ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


class NodeTool:
    """A converter that is started for each conversion: its start is part of what it costs."""

    in_process = False

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self._folder = name, folder

    def convert(self, job: Job) -> Measure:
        return run_node(self._folder, self._arguments(job))

    def close(self) -> None:
        """Nothing is left running."""

    def _arguments(self, job: Job) -> Sequence[str | Path]:
        if self.name == "gaussian-splats-3d":
            script = _HERE / "convert_ksplat.mjs"
            return [script, job.input, job.output, str(job.options["level"]), str(min(job.sh_degree, 2))]
        version = ["--spz-version", str(job.options["version"])] if "version" in job.options else []
        command = self._folder / "node_modules/.bin/splat-transform"
        return [command, "-q", "-w", "-g", "cpu", job.input, job.output, *version]


Tool = WarmTool | NodeTool


def run_node(folder: Path, arguments: Sequence[str | Path]) -> Measure:
    """Run a script by the Node of `folder`, from start to end. Raises FailedError."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [folder / "node_modules/.bin/node", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    timer = threading.Timer(_LONGEST_SECONDS, process.kill)
    timer.start()
    with Resident(process.pid) as resident:
        _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise FailedError(f"{Path(arguments[0]).name} ended with status {process.returncode}")
    return Measure(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, resident.peak)


def decimate_with_splat_transform(source: Path, target: Path, count: int) -> Measure:
    """Its `--decimate`, on the CPU."""
    folder = _install_node_peers()
    command = folder / "node_modules/.bin/splat-transform"
    return run_node(folder, [command, "-q", "-w", "-g", "cpu", source, "--decimate", str(count), target])


def cache_folder() -> Path:
    """Where peers are installed: outside of the repository, kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "immichvr-bench"


def start_tools() -> dict[str, Tool]:
    """Ours and every peer by name, peers installed the first time."""
    python, node = _install_python_peers(), _install_node_peers()
    tools: dict[str, Tool] = {name: WarmTool(name, Path(sys.executable)) for name in (OURS, LIMIT)}
    for name in ("gaussforge", "gsply python", "gsply cpp", "ply2splat"):
        tools[name] = WarmTool(name, python)
    for name in ("splat-transform", "gaussian-splats-3d"):
        tools[name] = NodeTool(name, node)
    return tools


def _install_python_peers() -> Path:
    folder = cache_folder() / "python"
    wanted = "\n".join(PYTHON_PEERS)
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin/python", "-m", "pip", "install", "-q", *PYTHON_PEERS], check=True)
        stamp.write_text(wanted)
    return folder / "bin/python"


def _install_node_peers() -> Path:
    if shutil.which("npm") is None:
        raise FailedError("npm is needed to install splat-transform, gaussian-splats-3d and the Node they run on")
    folder = cache_folder() / "node"
    wanted = "\n".join(NODE_PEERS)
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        # npm's node package fetches the binary of the platform in an install script
        (folder / "package.json").write_text(json.dumps({"private": True, "allowScripts": {"node": True}}))
        command = ["npm", "install", "--no-fund", "--no-audit", "--loglevel=error", *NODE_PEERS]
        subprocess.run(command, cwd=folder, check=True)
        stamp.write_text(wanted)
    return folder
