"""Records and entries as they lie in KV: whole and of this key, or set aside."""

from __future__ import annotations

import math

from google.protobuf import json_format
from immichvr_catalog import ASSETS, needs_source
from immichvr_common.bus.reading import Unreadable
from immichvr_common.manifests import manifest_key
from immichvr_common.sources import Source
from pydantic import ValidationError

from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.jobs.records import JobRecord


def read_record(key: str, value: bytes) -> JobRecord:
    """The record of the job of that id. Raises Unreadable where later steps could not rely on it."""
    try:
        record = JobRecord.model_validate_json(value)
    except ValidationError as error:
        raise Unreadable(
            "unreadable", f"{error.error_count()} fields of the record of {key[:200]} are wrong"
        ) from error
    try:
        job = record.job()
    except (json_format.ParseError, ValueError, RecursionError) as error:
        raise Unreadable("unreadable", f"the message of {key[:200]} is none: {str(error)[:200]}") from error
    # The release before, which knows photos alone, leaves the source of any other out of a record that it writes anew.
    record.source = record.source or Source.of(job)
    times = [record.created_at, record.updated_at, *record.first_for.values(), *(step.at for step in record.timeline)]
    numbers = [record.progress.fraction, *(step.seconds for step in record.timeline)]
    place = record.subject.split(".")
    problems = {
        "it is of another job": record.id != key,
        "its message is of another job": bool(record.message) and (job.id, job.kind) != (record.id, record.kind),
        "its place in the queue is none": bool(record.subject)
        and (len(place) != 6 or place[0] != "jobs" or place[4:] != [record.kind, record.id]),
        "it is of no source": record.source is None and needs_source(record.kind),
        "a time has no zone": any(at.tzinfo is None for at in times),
        "a number is none": not all(map(math.isfinite, numbers)) or min(record.run, record.attempts, record.seq) < 0,
    }
    for problem, is_so in problems.items():
        if is_so:
            raise Unreadable("misplaced", f"the record under {key[:200]}: {problem}")
    return record


def read_entry(key: str, value: bytes) -> AssetEntry:
    """The entry of the asset of that key. Raises Unreadable."""
    try:
        entry = AssetEntry.model_validate_json(value)
    except ValidationError as error:
        raise Unreadable("unreadable", f"{error.error_count()} fields of the entry {key[:200]} are wrong") from error
    if entry.kind not in ASSETS or entry.kv_key != key or entry.made_at.tzinfo is None:
        raise Unreadable("misplaced", f"the entry under {key[:200]} is of {entry.kv_key[:200]}")
    if entry.manifest_key != manifest_key(entry.kind, entry.source, entry.model_key, entry.recipe):
        raise Unreadable("misplaced", f"the entry under {key[:200]} leads to {entry.manifest_key[:200]}")
    return entry
