"""What a job may do that is no part of what it makes: licences that were accepted, tokens. Apart from its parameters.

Jobs of the first release have both in one; its workers look for grants among the parameters, so that for one release
they are written there too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import Grants, Job

_NAMES = frozenset(field.json_name for field in Grants.DESCRIPTOR.fields)


def put_grants(job: Job, grants: Grants) -> None:
    """Says in a job what it may do, in both spellings."""
    job.grants.CopyFrom(grants)
    job.params.update(json_format.MessageToDict(grants))


def grants_of(job: Job) -> Grants:
    """What a job may do, in either spelling. Raises ParseError for what no gateway writes."""
    if job.HasField("grants"):
        return job.grants
    told = {name: value for name, value in json_format.MessageToDict(job.params).items() if name in _NAMES}
    return json_format.ParseDict(told, Grants())


def params_of(job: Job) -> dict[str, Any]:
    """A job's parameters alone: they decide what it makes, and may be shown and kept."""
    return without_grants(json_format.MessageToDict(job.params))


def without_grants(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as manifests of the first release keep them, without the grants among them."""
    return {name: value for name, value in params.items() if name not in _NAMES}


def granted_params(job: Job) -> dict[str, Any]:
    """What a capability is given: parameters, and grants as they are spelled in its service's …Params."""
    return params_of(job) | json_format.MessageToDict(grants_of(job))
