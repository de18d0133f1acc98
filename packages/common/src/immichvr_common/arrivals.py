"""What a worker takes for a job: a message that says of itself what its subject says of it."""

from __future__ import annotations

import re

from immichvr.events.v1.events_pb2 import Job
from immichvr_catalog import needs_source

from immichvr_common.bus.reading import Unreadable, read_message
from immichvr_common.sources import Source

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}")
"""An id of a job, a source or a recipe: one word of a subject, and part of a key in storage."""


def read_job(subject: str, data: bytes | None) -> Job:
    """The job a message of the stream JOBS carries. Raises Unreadable where it is none.

    A job that has no name, or another than where it lies, could neither be told of nor ended.
    """
    words = subject.split(".")
    if len(words) != 6 or words[0] != "jobs":
        raise Unreadable("misplaced", f"{subject[:200]!r} is no subject of a job")
    job = read_message(data, Job())
    kind, name = words[4:]
    if (job.kind, job.id) != (kind, name) or not NAME.fullmatch(name):
        raise Unreadable("misplaced", f"job {job.id[:200]!r} of kind {job.kind[:50]!r} lies under {subject[:200]!r}")
    if job.run < 1:
        raise Unreadable("hollow", f"job {name} has no run")
    source = Source.of(job)
    parts = [*([source.kind, source.id] if source is not None else []), *job.recipes.values()]
    if any(part and not NAME.fullmatch(part) for part in parts):
        raise Unreadable("hollow", f"job {name} names a source or a recipe that is no name")
    if source is None and needs_source(kind):
        raise Unreadable("hollow", f"job {name} names no source, and nobody could be shown what is made of none")
    return job
