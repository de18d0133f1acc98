"""A job's parameters: its service's …Params message here, the message's JSON on the bus. The one place between both."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message
from immichvr.events.v1.events_pb2 import Job

P = TypeVar("P", bound=Message)


def put_params(job: Job, params: Message) -> None:
    """Says in a job what is to be made; what it may do is not touched."""
    job.params.update(json_format.MessageToDict(params))


def read_params(job: Job, params: P) -> P:
    """A job's parameters, in the message given; what that has no field for is left out.

    Raises ParseError for what no gateway writes.
    """
    return json_format.ParseDict(json_format.MessageToDict(job.params), params, ignore_unknown_fields=True)


def shown_params(params: Message) -> dict[str, Any]:
    """A job's parameters as people see them."""
    return json_format.MessageToDict(params)
