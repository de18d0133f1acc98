"""The messages of the live protocol that the gateway itself knows: the first one, and errors. Others pass through."""

from __future__ import annotations

import msgpack

from immichvr_gateway.http.problems import Problem

LARGEST_HELLO = 4096
LARGEST_MESSAGE = 4 * 1024 * 1024
"""Bytes of a message from a client; the worker accepts no larger one either."""
_LONGEST_NAME = 64


def model_of(hello: bytes) -> str:
    """The model that a client's first message asks for. Raises Problem."""
    if len(hello) > LARGEST_HELLO:
        raise Problem(413, "too_large", f"a hello has at most {LARGEST_HELLO} bytes")
    try:
        fields = msgpack.unpackb(hello, raw=False, max_map_len=32, max_array_len=32, max_ext_len=0)
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException) as error:
        raise Problem(422, "invalid_message", "a message is a msgpack map") from error
    if not isinstance(fields, dict) or fields.get("type") != "hello":
        raise Problem(422, "invalid_message", "the first message is a hello")
    model = fields.get("model", "auto")
    if not isinstance(model, str) or not 1 <= len(model) <= _LONGEST_NAME:
        raise Problem(422, "invalid_message", "hello.model is the key of a model, or auto")
    return model


def error(code: str, message: str) -> bytes:
    """Tells a client what went wrong."""
    return bytes(msgpack.packb({"type": "error", "code": code, "message": message}))
