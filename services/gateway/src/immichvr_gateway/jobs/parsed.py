"""A job's message in a record, which is its JSON, as the message itself.

To read one of 600 bytes takes protobuf 0.07 to 0.10 ms of CPU, and to write it 0.03 to 0.04; a job that is worked on is
asked for its message again and again.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import Job

_KEPT = 256
_OF_A_RUN = frozenset({"run", "requesters", "createdAt", "askedAt", "withdrawn"})
# By the identity of the JSON, which is kept with it so that no other takes its place; nobody changes it in place.
_parsed: OrderedDict[int, tuple[dict[str, Any], Job]] = OrderedDict()


def parsed(message: dict[str, Any]) -> Job:
    """The job of a record's message, which is not changed afterwards; a copy of one's own. Raises ParseError."""
    known = _parsed.get(id(message))
    if known is None:
        known = message, json_format.ParseDict(message, Job(), ignore_unknown_fields=True)
        _keep(*known)
    job = Job()
    job.CopyFrom(known[1])
    return job


def written(job: Job) -> dict[str, Any]:
    """A record's message of a job."""
    return _known_as(json_format.MessageToDict(job), job)


def restated(message: dict[str, Any], job: Job) -> dict[str, Any]:
    """The message of a job that differs from the one of `message` in what each run has of its own, and in nothing else:
    its number, who wants it, its times, and whether it is withdrawn."""
    own = Job(run=job.run, requesters=job.requesters, withdrawn=job.withdrawn)
    if job.HasField("created_at"):
        own.created_at.CopyFrom(job.created_at)
    if job.HasField("asked_at"):
        own.asked_at.CopyFrom(job.asked_at)
    kept = {name: value for name, value in message.items() if name not in _OF_A_RUN}
    return _known_as(kept | json_format.MessageToDict(own), job)


def _known_as(message: dict[str, Any], job: Job) -> dict[str, Any]:
    own = Job()
    own.CopyFrom(job)
    _keep(message, own)
    return message


def _keep(message: dict[str, Any], job: Job) -> None:
    _parsed[id(message)] = message, job
    if len(_parsed) > _KEPT:
        _parsed.popitem(last=False)
