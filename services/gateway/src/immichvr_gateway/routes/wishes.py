"""What people may ask to have made, as their requests say it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from immichvr_gateway.conversions import FORMATS, LEVELS
from immichvr_gateway.orders import DEPTH_MODELS, QUALITIES, SPLAT_MODELS


def _number(value: object) -> object:
    """JSON's own integers: pydantic would take a string or a truth value for one too."""
    if isinstance(value, bool | str):
        raise ValueError("is not an integer")
    return value


Count = Annotated[int, Field(ge=1, le=2**53), BeforeValidator(_number)]
Model = Annotated[str, Field(max_length=64)]


class DepthRequest(BaseModel):
    """What depth to make."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"model": "auto", "force": False}]})
    model: Annotated[Model, Field(json_schema_extra={"enum": [*DEPTH_MODELS]})] = "auto"
    points: StrictBool = Field(False, description="whether a point cloud (GLB) is made beside it")
    force: StrictBool = False


class SplatRequest(BaseModel):
    """What splat to make."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"model": "auto", "quality": "light"}]})
    model: Annotated[Model, Field(json_schema_extra={"enum": [*SPLAT_MODELS]})] = "auto"
    quality: str = Field("full", max_length=16, json_schema_extra={"enum": [*QUALITIES]})
    force: StrictBool = False


_OPTIONS_OF_EACH_FORMAT: list[Any] = [
    {
        "properties": {
            "format": {"const": name},
            "options": {
                "type": "object",
                "properties": {option: {"enum": list(values)} for option, values in options.items()},
                "additionalProperties": False,
            },
        }
    }
    for name, options in FORMATS.items()
]


class ConvertRequest(BaseModel):
    """What to convert a splat to. What is asked for with options, or a count, is a file of its own."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"format": "splat", "model": "auto"},
                {"format": "spz", "options": {"spz_version": 4, "frame": "rub"}, "lod_count": 200000},
            ],
            "oneOf": _OPTIONS_OF_EACH_FORMAT,
        },
    )
    format: str = Field(max_length=16, json_schema_extra={"enum": list(FORMATS)})
    model: Annotated[Model, Field(json_schema_extra={"enum": [*SPLAT_MODELS]})] = "auto"
    options: dict[str, int | str] = Field({}, max_length=8)
    lod_count: Count | None = None


class LevelsRequest(BaseModel):
    """Which levels of detail to make of a splat: named ones, counts, or an octree of tiles."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"levels": ["preview", "full"]}, {"tile_gaussians": 100000}],
            "anyOf": [
                {"properties": {"tile_gaussians": {"type": "null"}}},
                {"properties": {"levels": {"maxItems": 0}, "counts": {"maxItems": 0}}},
            ],
        },
    )
    model: Annotated[Model, Field(json_schema_extra={"enum": [*SPLAT_MODELS]})] = "auto"
    format: str = Field("spz", max_length=16, json_schema_extra={"enum": list(FORMATS)})
    levels: list[Annotated[str, Field(json_schema_extra={"enum": list(LEVELS)})]] = Field([], max_length=3)
    counts: list[Count] = Field([], max_length=8)
    tile_gaussians: Count | None = None
