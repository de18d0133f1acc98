"""The messages of the live protocol that the gateway itself knows: the first one, and errors. Others pass through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgpack
from immichvr_common.sources import Source

from immichvr_gateway.http.problems import Problem
from immichvr_gateway.sources.places import PLACES

LARGEST_HELLO = 4096
LARGEST_MESSAGE = 4 * 1024 * 1024
"""Bytes of a message from a client; the worker accepts no larger one either."""
_LONGEST_NAME = 64
_PICTURE = "picture"
_LONGEST_KEY = 128


@dataclass(frozen=True)
class WantedSplat:
    """What somebody wants drawn: a splat of a source; the best where no asset is named."""

    source: Source
    asset_key: str = ""


def wanted_by(hello: bytes) -> str | WantedSplat:
    """What a client's first message asks for: the model for its frames, or a splat to be drawn. Raises Problem."""
    fields = _read(hello)
    if fields.get("output") == _PICTURE:
        return _splat(fields)
    model = fields.get("model", "auto")
    if not isinstance(model, str) or not 1 <= len(model) <= _LONGEST_NAME:
        raise Problem(422, "invalid_message", "hello.model is the key of a model, or auto")
    return model


def _splat(fields: dict[str, Any]) -> WantedSplat:
    place, name, asset = words = [fields.get(field, "") for field in ("place", "id", "asset")]
    if (
        not all(isinstance(word, str) and len(word) <= _LONGEST_KEY for word in words)
        or place not in PLACES
        or not name
    ):
        raise Problem(422, "invalid_message", f"hello.place is one of {', '.join(PLACES)}; id and asset are words")
    return WantedSplat(Source(PLACES[place], name), asset)


def _read(hello: bytes) -> dict[str, Any]:
    if len(hello) > LARGEST_HELLO:
        raise Problem(413, "too_large", f"a hello has at most {LARGEST_HELLO} bytes")
    try:
        fields = msgpack.unpackb(hello, raw=False, max_map_len=32, max_array_len=32, max_ext_len=0)
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException) as error:
        raise Problem(422, "invalid_message", "a message is a msgpack map") from error
    if not isinstance(fields, dict) or fields.get("type") != "hello":
        raise Problem(422, "invalid_message", "the first message is a hello")
    return fields


def error(code: str, message: str) -> bytes:
    """Tells a client what went wrong."""
    return bytes(msgpack.packb({"type": "error", "code": code, "message": message}))
