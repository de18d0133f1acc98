"""A capability that makes tiny assets of every kind at once, and does what the photo's name says.

`slow-….jpg` is under way until the file `release` exists; `busy-…` computes and hears nothing; `fail-…` is no image,
unless it is a stand-in for it; `crash-…` ends its process; `deadly-…` ends the whole worker, unless the file `mercy`
exists. These files, and `starts` with a line for each start, lie in the directory that the environment variable STUDIO
names.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from immichvr_common.tasks import Made, MadeFile, Report, Task

STUDIO = "STUDIO"
SPZ = "application/x-spz"
_PATIENCE_S = 60


class Unreadable(ValueError):
    """What a photo that cannot be decoded is to the capabilities that decode."""

    code = "invalid_image"


def needs_child(task: Task) -> bool:
    """Whether what the photo's name says is to be survived, or ended, by whoever has it done."""
    return task.source_name.partition("-")[0] in ("busy", "crash", "deadly", "slow")


def perform(task: Task, report: Report) -> list[Made]:
    """Does a job of kind depth, splat, convert or lod."""
    with _note("starts").open("a") as starts:
        starts.write(f"{task.kind} {task.source.id if task.source else ''} {os.getpid()}\n")
    report(0.1, "decoded", "looking")
    manner = task.source_name.partition("-")[0]
    if manner != "fail" or not _is_stand_in(task):
        _behave(manner, report)
    if task.kind == "convert":
        return [_converted(task)]
    if task.kind == "lod":
        index = _write(task, "levels.json", "levels", "json", "application/json")
        (task.folder / index.name).write_text(json.dumps(task.params))
        return [Made(kind="splat", model_key=str(task.params["modelKey"]), files=[index], extends=True)]
    model = str(task.params.get("model", "auto")).removeprefix("lift-").replace("auto", "heuristic")
    depth = Made(
        kind="depth", model_key=model, files=[_write(task, "depth.png", "depth", "png", "image/png")],
        reason="nothing else is here", details={"depth": {"near": 1.0, "far": 9.0, "metric": False}},
    )  # fmt: skip
    if task.kind == "depth":
        return [depth]
    files = [_write(task, "splat.spz", "splat", "spz", SPZ)]
    if task.params.get("keepPly"):
        files.append(_write(task, "splat.ply", "splat", "ply", SPZ))
    camera = {"fx": 10.0, "fy": 10.0, "cx": 4.0, "cy": 3.0, "width": 8, "height": 6}
    return [Made(kind="splat", model_key=f"lift-{model}", files=files, details={"camera": camera}), depth]


def _behave(manner: str, report: Report) -> None:
    if manner == "fail":
        raise Unreadable("not an image")
    if manner == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if manner == "deadly" and not _note("mercy").exists():
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(_PATIENCE_S)
    if manner == "busy":
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            sum(range(1_000_000))
    if manner == "slow":
        end = time.monotonic() + _PATIENCE_S
        while not _note("release").exists() and time.monotonic() < end:
            report(0.5, "inferred", "thinking")
            time.sleep(0.02)


def _is_stand_in(task: Task) -> bool:
    return "source" in task.inputs and task.inputs["source"].read_bytes().startswith(b"stand-in")


def _converted(task: Task) -> Made:
    label, kind = str(task.params.get("label", task.params["variant"])), str(task.params["toFormat"])
    name = f"splat.{kind}" if label == "full" else f"splat.{label}.{kind}"
    file = _write(task, name, "conversion" if "label" in task.params else "splat", kind, SPZ, label)
    return Made(kind="splat", model_key=str(task.params["modelKey"]), files=[file], extends=True)


def _write(task: Task, name: str, role: str, kind: str, media_type: str, variant: str = "full") -> MadeFile:
    source = b"".join(path.read_bytes() for path in task.inputs.values())
    (task.folder / name).write_bytes(f"{name} of ".encode() + source[:1000])
    return MadeFile(name=name, role=role, format=kind, media_type=media_type, variant=variant)


def _note(name: str) -> Path:
    return Path(os.environ[STUDIO], name)
