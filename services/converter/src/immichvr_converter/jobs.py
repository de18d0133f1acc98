"""The capability: a job's parameters and file in, a converted file for an existing asset out."""

from __future__ import annotations

import re
from dataclasses import asdict
from functools import cache

from google.protobuf import json_format
from immichvr.converter.v1.converter_pb2 import ConvertParams
from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Made, MadeFile, Report, Task
from immichvr_splats import ReadLimits

from immichvr_converter.conversion import Converted, Target, choose_target, convert, tell_format
from immichvr_converter.settings import ConverterSettings

TARGET = "immichvr_converter.jobs:perform"
KIND = "convert"
INPUT = "splat"

_MODEL_KEY = re.compile(r"[a-z0-9.-]{1,64}")
_FRACTIONS = {"decoded": 0.4, "packed": 0.9}


def perform(task: Task, report: Report) -> list[Made]:
    """Does one job of kind `convert`; its parameters are ConvertParams in JSON, its input has the role `splat`.

    Raises ConversionError (with the code the job fails with), InvalidRequest.
    """
    if task.kind != KIND:
        raise InvalidRequest(f"the converter does no jobs of kind {task.kind!r}, only {KIND!r}")
    if INPUT not in task.inputs:
        raise InvalidRequest(f"the job has no input {INPUT!r}, the file to convert")
    params = _params(task)
    target = choose_target(params.to_format, params.variant)
    source = task.inputs[INPUT]
    converted = convert(
        source,
        tell_format(source, params.from_format, task.source_name),
        target,
        task.folder,
        read_limits(),
        lambda stage: report(_FRACTIONS[stage], stage, ""),
    )
    return [_made(params.model_key, target, converted)]


@cache
def read_limits() -> ReadLimits:
    """What reading a file may cost in this process."""
    limits = ConverterSettings().limits
    return ReadLimits(max_bytes=limits.max_input_bytes, max_points=limits.max_points)


def _params(task: Task) -> ConvertParams:
    try:
        params = json_format.ParseDict(task.params, ConvertParams(), ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise InvalidRequest(f"the parameters are no ConvertParams: {error}") from error
    if not _MODEL_KEY.fullmatch(params.model_key):
        raise InvalidRequest(f"model_key {params.model_key[:80]!r} is not of the form {_MODEL_KEY.pattern}")
    return params


def _made(model_key: str, target: Target, converted: Converted) -> Made:
    file = MadeFile(
        name=converted.path.name,
        role="splat",
        format=target.format.key,
        media_type=target.format.media_type,
        variant=target.variant,
    )
    return Made(
        kind="splat",
        model_key=model_key,
        files=[file],
        details={"gaussians": converted.gaussians, "losses": [asdict(loss) for loss in converted.losses]},
        # The manifest lists the losses of all files of the asset together.
        losses=[f"{file.name}: {loss.message}" for loss in converted.losses],
        extends=True,
    )
