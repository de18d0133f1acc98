"""What jobs and calls ask for, as their parameters say it."""

from __future__ import annotations

from immichvr.converter.v1.converter_pb2 import Camera, ConvertParams, LodParams
from immichvr_catalog import format_options
from immichvr_common.errors import InvalidRequest
from immichvr_common.pinholes import camera_fault

from immichvr_converter.conversion.options import Options
from immichvr_converter.conversion.targets import Target, choose_targets

CONVERT = "convert"
LOD = "lod"
INSPECT = "inspect"
INPUT = "splat"


def targets_of(params: ConvertParams) -> list[Target]:
    """What the parameters ask for. Raises UnsupportedFormat."""
    count = params.lod_count if params.HasField("lod_count") else None
    wanted = list(params.to_formats)
    if params.to_format or not wanted:
        wanted.insert(0, params.to_format)
    return choose_targets(wanted, params.variant, options_in(params), count, params.label)


def camera_in(params: ConvertParams | LodParams) -> Camera | None:
    """What the parameters tell of who took the photo. Raises InvalidRequest for a camera that cannot be."""
    if not params.HasField("camera"):
        return None
    told = params.camera
    fault = camera_fault(told.fx, told.fy, told.cx, told.cy, told.width, told.height, told.extrinsic)
    if fault:
        raise InvalidRequest(fault)
    return told


def options_in(params: ConvertParams) -> Options:
    """The options of formats that the parameters give."""
    given = {descriptor.name for descriptor, _ in params.ListFields()}
    return {name: getattr(params, name) for name in format_options() if name in given}
