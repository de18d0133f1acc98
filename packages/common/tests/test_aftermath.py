"""What cancelled jobs began elsewhere: ended as it was when they were cancelled, or named in the log."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from immichvr.events.v1.events_pb2 import Job
from immichvr_common import aftermath
from immichvr_common.aftermath import Aftermath, Aftermaths
from immichvr_common.parts import Part, PartsIndex, prefix_of
from immichvr_common.storage import ObjectStore

JOB = Job(id="reconstruct-scene-r0", run=1)


class Parts:
    """Storage with the one part of a job in it."""

    def __init__(self) -> None:
        key = f"{prefix_of(JOB)}/0-sent.json"
        part = Part(name="sent.json", key=key, size=1, sha256="0" * 64, media_type="application/json", resumes=True)
        self.files = {f"{prefix_of(JOB)}/index.json": PartsIndex(parts=[part]).model_dump_json().encode()}
        self.part = key

    def keep(self, data: bytes) -> None:
        self.files[self.part] = data

    async def get_bytes(self, key: str, largest: int) -> Any:
        return SimpleNamespace(data=self.files[key])


async def test_a_later_try_ends_what_was_cancelled_not_what_the_job_began_since() -> None:
    parts, ended = Parts(), list[bytes]()
    parts.keep(b"first")

    def end(_: Any, kept: bytes) -> None:
        ended.append(kept)
        if len(ended) == 1:
            parts.keep(b"second")
            raise OSError("no way there")

    about = Aftermath("sent.json", end, bytes.decode, (0.0, 0.0))
    await about.see_to(cast(ObjectStore, parts), JOB)
    assert ended == [b"first", b"first"]


@pytest.mark.parametrize("patience_s", [0.05, 10.0])
async def test_a_worker_that_stops_lets_it_end_for_a_while_and_names_in_its_log_what_goes_on(
    patience_s: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(aftermath, "_FIRST_TRY_S", 0.01)
    parts, over, ended = Parts(), threading.Event(), list[bytes]()
    parts.keep(b"job-42")

    def end(_: Any, kept: bytes) -> None:
        over.wait(10)
        ended.append(kept)

    seen_to = Aftermaths(cast(ObjectStore, parts), Aftermath("sent.json", end, bytes.decode))
    await seen_to.begin(JOB)
    assert ended == []
    is_patient = patience_s > 1
    if is_patient:
        asyncio.get_running_loop().call_later(0.05, over.set)
    await seen_to.close(patience_s)
    over.set()
    assert ended == ([b"job-42"] if is_patient else [])
    assert ("job-42" in "".join(capsys.readouterr())) is not is_patient
