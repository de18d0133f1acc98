"""A capability that does what its parameters say: succeed, sleep, fail, crash, hang."""

import errno
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from immichvr.events.v1.events_pb2 import ModelEvent

from immichvr_common.tasks import Made, MadeFile, Report, Task
from immichvr_common.telling import LoadedModels, Serving, tell


class Unreadable(ValueError):
    code = "invalid_image"


def ahead() -> Iterator[None]:
    """Three steps. Each tells in the folder AHEAD that it has begun, and ends when it may; or fails there, or dies."""
    folder = Path(os.environ["AHEAD"])
    for number in range(3):
        (folder / f"begun-{number}").touch()
        while not (folder / f"may-end-{number}").exists():
            time.sleep(0.01)
        if (folder / "fails").exists():
            raise RuntimeError("nothing can be made ready ahead")
        if (folder / "dies").exists():
            os.kill(os.getpid(), signal.SIGSEGV)
        yield


def perform(task: Task, report: Report) -> list[Made]:
    report(0.1, "decoded", "looking")
    what = task.params.get("do", "succeed")
    if what == "sleep":
        marker = task.params.get("marker")
        if marker:
            with open(marker, "a") as out:  # noqa: PTH123  # append in one call
                out.write(f"{os.getpid()}\n")
        end = time.monotonic() + float(task.params["seconds"])
        while time.monotonic() < end:
            report(0.5, "inferred", "thinking")
            time.sleep(0.02)
        if "ends" in task.params:
            Path(task.params["ends"]).write_text(str(time.time_ns()))
    elif what == "fail":
        raise Unreadable("photo.jpg: not an image")
    elif what == "fill":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(task.folder / "depth.png"))
    elif what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == "exhaust":
        hoard = []
        while True:
            hoard.append(bytearray(64 * 1024 * 1024))
    elif what == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "killed-once":
        with Path(task.params["marker"]).open("a+") as marker:
            marker.write(f"{os.getpid()}\n")
            marker.seek(0)
            if len(marker.readlines()) == 1:
                os.kill(os.getpid(), signal.SIGKILL)
    elif what == "stall":
        # Half a head, and nothing more: the answer of a process that is stopped while it writes.
        os.write(int(sys.argv[1]), b"\0\0\0")
        os.kill(os.getpid(), signal.SIGSTOP)
    elif what == "serve":
        tell(Serving("127.0.0.1:4711"))
    elif what == "load":
        if "marker" in task.params:
            Path(task.params["marker"]).write_text(str(os.getpid()))
        model = str(task.params["model"])
        tell(LoadedModels(frozenset({model}), {(model, "cpu"): 1000}))
    elif what == "release":
        tell(ModelEvent(key=str(task.params["model"]), state="unloading"))
    elif what == "download":
        for done in range(1001):
            tell(ModelEvent(key=str(task.params["model"]), state="downloading", done_bytes=done, total_bytes=1000))
            time.sleep(0.001)
        tell(ModelEvent(key=str(task.params["model"]), state="ready"))
    elif what == "log":
        from immichvr_common.logs import get_log  # what most tests need not wait for

        get_log(__name__).info("a word of a child")
    elif what == "hang":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        time.sleep(600)
    source = task.inputs["source"].read_bytes() if "source" in task.inputs else b""
    (task.folder / "depth.png").write_bytes(source[::-1] or b"made")
    file = MadeFile(name="depth.png", role="depth", format="png", media_type="image/png")
    return [Made(kind="depth", model_key="trial", files=[file], timings={"thinking": 0.1}, details={"near": 1.0})]
