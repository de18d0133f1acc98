"""Messages of the bus are read as protobuf's own reader reads them, whatever is written."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from immichvr.events.v1.events_pb2 import AssetEvent, DeadJob, Job, JobEvent, ModelEvent
from immichvr_common.bus import quick_json
from immichvr_common.bus.quick_json import read_quickly
from immichvr_common.bus.reading import Unreadable, read_message

AT = "2026-11-30T12:00:00.000005Z"
FILE = {"bucket": "b", "key": "depth/p_m/r/depth.png", "size": "4096", "sha256": "0" * 64, "mediaType": "image/png"}
OUTPUT = {"kind": "depth", "assetKey": "depth-m", "manifest": FILE, "files": [FILE, FILE], "recipe": "r"}
SOURCE = {"kind": "photo", "id": "p"}
JOB = {
    "id": "depth-p-r", "kind": "depth", "photoId": "p", "run": 3, "requesters": ["ann", "ben"],
    "inputs": {"source": FILE},
    "params": {"model": "auto", "points": True, "list": [1.5, {"deep": None}]}, "recipes": {"depth": "r"},
    "deadlineS": 600, "createdAt": AT, "askedAt": "1969-12-31T23:59:59Z", "source": SOURCE, "withdrawn": True,
    "superseded": [AT],
    "grants": {"accepted": ["m"], "keepPly": True},
}  # fmt: skip
EVENT = {
    "jobId": "depth-p-r", "kind": "depth", "run": 3, "attempt": 1, "seq": 2, "state": "JOB_STATE_FAILED", "at": AT,
    "progress": {"fraction": 0.5, "stage": "stored"}, "timeline": [{"stage": "staged", "at": AT, "seconds": 1}],
    "error": {"code": "internal", "message": "\u00fcber \U0001f600", "retriable": True}, "outputs": [OUTPUT],
    "source": SOURCE, "job": JOB, "begun": 1,
}  # fmt: skip
MESSAGES: list[tuple[type[Message], dict[str, Any]]] = [
    (Job, JOB),
    (JobEvent, EVENT),
    (AssetEvent, {"photoId": "p", "output": OUTPUT, "at": AT, "source": SOURCE}),
    (ModelEvent, {"key": "m", "state": "loaded", "doneBytes": "7", "rate": 0.5, "remainingS": -1.0, "at": AT}),
    (DeadJob, {"job": JOB, "error": {"code": "poison"}, "deliveries": 2}),
]

_ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2, 0.5, -1.5, 3.0, 2**31, 2**32, 2**64, 10**400, 1e300, math.nan, math.inf, "", "x",
    "1", "-1", "1.0", "18446744073709551616", "NaN", "Infinity", "true", "\ud800", "\u00fc", "JOB_STATE_RUNNING",
    "JOB_STATE_NEW", "2026-11-30T12:00:60Z", "2026-11-30T12:00:00+01:00", "0000-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z", "0001-01-01T00:00:00Z", "2026-11-30T12:00:00.1234567890Z", "9999-12-31T23:59:59.999999999Z",
    "2026-11-30 12:00:00Z",
    [], {}, [None], [[]], [1], ["a"], [{}], {"a": {}}, {"a": None}, {"a": "b"},
]  # fmt: skip


def _places(told: Any) -> list[tuple[Any, Any]]:
    """Every place in a document: what it is in, and its name there."""
    inside = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    return [place for name, value in inside for place in [(told, name), *_places(value)]]


def _changed(chance: random.Random) -> tuple[type[Message], bytes]:
    """A message as JSON, changed in up to three places."""
    kind, told = chance.choice(MESSAGES)
    told = json.loads(json.dumps(told))
    for _ in range(chance.randrange(4)):
        within, name = chance.choice(_places(told))
        what = chance.choice(["put", "drop", "name"])
        if what == "put" or isinstance(within, list):
            within[name] = deepcopy(chance.choice(_ODD))
        elif what == "drop":
            del within[name]
        else:
            within[chance.choice([f"{name}x", "job_id", "created_at", "seq", "[x]"])] = within.pop(name)
    return kind, json.dumps(told).encode()


def _here(data: bytes, kind: type[Message]) -> Message | None:
    try:
        return read_message(data, kind())
    except Unreadable:
        return None


def _by_protobuf(data: bytes, kind: type[Message]) -> Message | None:
    with pytest.MonkeyPatch.context() as without:
        without.setattr("immichvr_common.bus.reading.read_quickly", lambda *_: None)
        return _here(data, kind)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_written_is_read_as_protobuf_reads_it(seed: int) -> None:
    chance, read = random.Random(seed), 0
    for _ in range(250):
        kind, data = _changed(chance)
        mine, theirs = _here(data, kind), _by_protobuf(data, kind)
        assert mine == theirs, data
        if mine is not None and theirs is not None:
            assert mine.SerializeToString(deterministic=True) == theirs.SerializeToString(deterministic=True), data
            read += 1
    assert 50 < read < 200


@pytest.mark.parametrize("data", [
    b"", b"[]", b"null", b"1", b"{", b"\xff", b'{"run": 1, "run": 2}', b'{"source": {"id": "a", "id": "b"}}',
    b'\xef\xbb\xbf{"run": 1}',
    '{"run": 1}'.encode("utf-16"), b'{"run": 1, "jobId": "a", "job_id": "b"}', b"[" * 100_000,
])  # fmt: skip
def test_what_is_no_message_is_none_here_either(data: bytes) -> None:
    assert _here(data, JobEvent) == _by_protobuf(data, JobEvent)


@pytest.mark.parametrize("depth", [30, 40, 120])
def test_what_is_nested_deep_is_read_as_protobuf_reads_it(depth: int) -> None:
    deep: dict[str, Any] = {}
    for _ in range(depth):
        deep = {"a": deep}
    for kind, told in ((Job, {"params": deep}), (JobEvent, {"job": {"params": deep}})):
        data = json.dumps(told).encode()
        read = _by_protobuf(data, kind)
        assert read is not None and _here(data, kind) == read


@pytest.mark.parametrize(("kind", "told"), MESSAGES)
def test_what_we_write_needs_no_other_reader(kind: type[Message], told: dict[str, Any]) -> None:
    message = json_format.ParseDict(told, kind())
    data = json_format.MessageToJson(message, indent=None).encode()
    assert read_quickly(data, kind) == message


def _fields_within(message: Descriptor, seen: set[str]) -> Iterator[FieldDescriptor]:
    """The fields of a message, and of all that it holds: in lists, in maps, in others."""
    if message.full_name in seen or message.full_name.startswith("google.protobuf."):
        return
    seen.add(message.full_name)
    for field in message.fields:
        yield field
        if field.message_type is not None:
            yield from _fields_within(field.message_type, seen)


def test_every_field_of_every_message_is_read_quickly() -> None:
    seen = set[str]()
    fields = [field for kind, _ in MESSAGES for field in _fields_within(kind.DESCRIPTOR, seen)]
    for field in fields:
        assert quick_json._of_field(field) is not quick_json._unusual, field.full_name
        if not (field.message_type is not None and field.message_type.GetOptions().map_entry):
            assert quick_json._of_value(field) is not quick_json._unusual, field.full_name
    assert {"Job.InputsEntry", "Job.RecipesEntry", "Phase", "Output"} <= {
        name.removeprefix("immichvr.events.v1.") for name in seen
    }
