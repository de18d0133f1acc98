"""The capability: a job's parameters and file in, files for an existing asset out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import Message
from immichvr.converter.v1.converter_pb2 import ConvertParams, LodParams
from immichvr_catalog import SplatFormat
from immichvr_common.errors import InvalidRequest
from immichvr_common.scratch import shared_folder
from immichvr_common.tasks import Made, MadeFile, Report, Task
from immichvr_splats import Camera, ReadLimits

from immichvr_converter.conversion.admission import MemoryBudget
from immichvr_converter.conversion.files import Converted, Loss, convert
from immichvr_converter.conversion.formats import tell_format
from immichvr_converter.conversion.inspection import Inspected, inspect
from immichvr_converter.conversion.levels import Levels, Tiles, choose_levels, make_levels, make_tiles
from immichvr_converter.conversion.targets import choose_target
from immichvr_converter.parameters import CONVERT, INPUT, INSPECT, LOD, camera_in, targets_of
from immichvr_converter.settings import ConverterSettings

_MODEL_KEY = re.compile(r"[a-z0-9.-]{1,64}")
_FRACTIONS = {"decoded": 0.4, "packed": 0.9}
_LEVEL_FORMAT = "spz"
_MASTER = "spz"
_MEMORY = "immichvr-converter-memory"

Params = TypeVar("Params", bound=Message)


def perform(task: Task, report: Report) -> list[Made]:
    """Does one job; its input has the role `splat`.

    The parameters are, in JSON, ConvertParams for the kind `convert`, LodParams for `lod`. `inspect` is for calls:
    its facts are in the details of what it made, which has no files.
    Raises ConversionError (with the code the job fails with), InvalidRequest.
    """
    does = {CONVERT: _convert, LOD: _make_levels, INSPECT: _inspect}.get(task.kind)
    if does is None:
        raise InvalidRequest(f"the converter does no jobs of kind {task.kind!r}, only {CONVERT!r} and {LOD!r}")
    if INPUT not in task.inputs:
        raise InvalidRequest(f"the job has no input {INPUT!r}, the file to convert")
    return does(task, lambda stage: report(_FRACTIONS[stage], stage, ""))


@cache
def read_limits() -> ReadLimits:
    """What reading a file may cost in this process."""
    limits = ConverterSettings().limits
    return ReadLimits(max_bytes=limits.max_input_bytes, max_points=limits.max_points)


@cache
def memory_budget() -> MemoryBudget:
    """What the conversions of this machine's converters may take together."""
    settings = ConverterSettings()
    return MemoryBudget(settings.limits.memory_bytes, shared_folder(_MEMORY, settings.work.directory))


def _convert(task: Task, reached: Callable[[str], None]) -> list[Made]:
    params = _parsed(task, ConvertParams())
    _check_model_key(params.model_key)
    source = task.inputs[INPUT]
    format = tell_format(source, params.from_format, task.source_name)
    targets, frame = targets_of(params), params.from_frame
    camera = _camera_in(params)
    made = convert(source, format, targets, task.folder, read_limits(), memory_budget(), reached, frame, camera)
    files = [_file(one) for one in made]
    losses = [*_from_master(format, files), *_converted_losses(made)]
    return [_extension(params.model_key, files, _converted_facts(made), losses)]


def _make_levels(task: Task, reached: Callable[[str], None]) -> list[Made]:
    params = _parsed(task, LodParams())
    _check_model_key(params.model_key)
    source = task.inputs[INPUT]
    format = tell_format(source, params.from_format, task.source_name)
    row = choose_target(params.to_format or _LEVEL_FORMAT, "").format
    frame = params.from_frame
    if params.HasField("tile_gaussians"):
        most = params.tile_gaussians
        tiles = make_tiles(source, format, row, most, task.folder, read_limits(), memory_budget(), reached, frame)
        return [_tiled(params, tiles, row, format)]
    wanted = choose_levels(list(params.levels), list(params.counts))
    limits, budget, camera = read_limits(), memory_budget(), _camera_in(params)
    made = make_levels(source, format, row, wanted, task.folder, limits, budget, reached, frame, camera)
    files = [MadeFile(one.file, "level", row.name, row.media_type, one.name) for one in made.levels]
    files.append(MadeFile(made.index.name, "levels", "json", "application/json"))
    facts = {"gaussians": made.gaussians, "levels": [{"name": one.name, "count": one.count} for one in made.levels]}
    return [_extension(params.model_key, files, facts, [*_from_master(format, files), *_level_losses(made)])]


def _tiled(params: LodParams, made: Tiles, row: SplatFormat, format: str) -> Made:
    files = [MadeFile(name, "tile", row.name, row.media_type, Path(name).name.partition(".")[0]) for name in made.files]
    files.append(MadeFile(made.index.name, "tiles", "json", "application/json"))
    losses = [*_from_master(format, files[-1:]), *(_named(made.index.name, loss) for loss in made.losses)]
    return _extension(params.model_key, files, {"gaussians": made.gaussians, "tiles": len(made.files)}, losses)


def _inspect(task: Task, reached: Callable[[str], None]) -> list[Made]:
    source = task.inputs[INPUT]
    format = tell_format(source, str(task.params.get("from_format", "")))
    found = inspect(source, format, read_limits(), memory_budget(), str(task.params.get("from_frame", "")))
    reached("decoded")
    return [Made(kind="splat", model_key="", files=[], details={"inspected": _inspected_facts(found)}, extends=True)]


def _inspected_facts(found: Inspected) -> dict[str, object]:
    """As plain values: who asked reads them without the splat library."""
    camera = found.camera
    return {
        "format": found.format,
        "gaussians": found.gaussians,
        "sh_degree": found.sh_degree,
        "bounds": found.bounds,
        "camera": camera and {**vars(camera), "extrinsic": camera.extrinsic.ravel().tolist()},
        "losses": [asdict(loss) for loss in found.losses],
    }


def _parsed(task: Task, params: Params) -> Params:
    try:
        return json_format.ParseDict(task.params, params, ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise InvalidRequest(f"the parameters are no {type(params).__name__}: {error}") from error


def _camera_in(params: ConvertParams | LodParams) -> Camera | None:
    told = camera_in(params)
    if told is None:
        return None
    extrinsic = np.reshape(told.extrinsic, (4, 4)) if told.extrinsic else np.eye(4)
    return Camera(told.fx, told.fy, told.cx, told.cy, told.width, told.height, extrinsic)


def _check_model_key(key: str) -> None:
    if not _MODEL_KEY.fullmatch(key):
        raise InvalidRequest(f"model_key {key[:80]!r} is not of the form {_MODEL_KEY.pattern}")


def _file(made: Converted) -> MadeFile:
    row = made.target.format
    # Viewers take files of the role `splat` for the whole of it, or for the light variant.
    whole = "splat" if made.target.label == made.target.variant else "conversion"
    role = whole if made.target.count is None else "level"
    return MadeFile(made.path.name, role, row.name, row.media_type, made.target.label)


def _from_master(format: str, files: list[MadeFile]) -> list[str]:
    """What each file lost before it was made: the SPZ is the master once the raw PLY is gone, and it rounds."""
    if format != _MASTER:
        return []
    return [
        f"{file.name}: made from the SPZ, which rounds positions and colours, as the raw PLY is not kept"
        for file in files
    ]


def _converted_facts(made: list[Converted]) -> dict[str, object]:
    facts = {
        one.path.name: {"gaussians": one.gaussians, "losses": [asdict(loss) for loss in one.losses]} for one in made
    }
    return {"converted": facts}


def _converted_losses(made: list[Converted]) -> list[str]:
    return [_named(one.path.name, loss) for one in made for loss in one.losses]


def _level_losses(made: Levels) -> list[str]:
    own = [f"{one.file}: {loss.message}" for one in made.levels for loss in one.losses]
    return [_named(made.index.name, loss) for loss in made.losses] + own


def _named(name: str, loss: Loss) -> str:
    """The manifest lists the losses of all files of the asset together."""
    return f"{name}: {loss.message}"


def _extension(model_key: str, files: list[MadeFile], facts: dict[str, object], losses: list[str]) -> Made:
    return Made(kind="splat", model_key=model_key, files=files, details=facts, losses=losses, extends=True)
