"""Levels of detail of a splat, or an octree of tiles."""

from __future__ import annotations

from typing import Annotated

from immichvr.converter.v1.converter_pb2 import LodParams
from immichvr_catalog import LEVELS, SPLAT
from immichvr_common.assets import is_of_job
from pydantic import ConfigDict, Field

from immichvr_gateway.http.problems import Problem, not_accepted
from immichvr_gateway.requests.conversion import FORMATS, Count, best_input, check_format, photo_camera, reference
from immichvr_gateway.requests.planning import JobRequest, Known
from immichvr_gateway.requests.recipes import conversion_hash, job_id
from immichvr_gateway.requests.spec import JobSpec
from immichvr_gateway.requests.splat import SPLAT_MODELS

LOD = "lod"


class LevelsRequest(JobRequest):
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
    model: Annotated[str, Field(max_length=64, json_schema_extra={"enum": [*SPLAT_MODELS]})] = "auto"
    format: str = Field("spz", max_length=16, json_schema_extra={"enum": list(FORMATS)})
    levels: list[Annotated[str, Field(json_schema_extra={"enum": list(LEVELS)})]] = Field([], max_length=3)
    counts: list[Count] = Field([], max_length=8)
    tile_gaussians: Count | None = None

    @property
    def extends_model(self) -> str:
        """As it was asked for."""
        return self.model

    @property
    def needs_models(self) -> bool:
        """It takes what there is."""
        return False

    @property
    def label(self) -> str:
        """What tells one such request from another."""
        wanted = sorted({*self.levels, *map(str, self.counts)}) or list(LEVELS)
        return f"tiles-{self.tile_gaussians}" if self.tile_gaussians is not None else f"levels-{','.join(wanted)}"

    @property
    def index_role(self) -> str:
        """Role of the file that lists what was made."""
        return "levels" if self.tile_gaussians is None else "tiles"

    def plan(self, known: Known) -> JobSpec:
        """There is one index of each role, the latest: it answers who asks for what made it alone."""
        entry, manifest = known.extended_asset()
        self.check()
        name = job_id(LOD, known.of.source, conversion_hash(entry.recipe, entry.model_key, self.format, self.label))
        stands = any(file.role == self.index_role and is_of_job(file, name) for file in manifest.files)
        source = None if stands else best_input(manifest)
        params = self._params(entry.model_key, "" if source is None else source.format)
        if (camera := photo_camera(manifest)) is not None and self.tile_gaussians is None:
            params.camera.CopyFrom(camera)
        return JobSpec(
            kind=LOD, id=name, params=params,
            shown={"format": self.format, "model": entry.model_key, "label": self.label}, of=known.of,
            recipes={SPLAT: entry.recipe}, inputs={} if source is None else {SPLAT: reference(known.bucket, source)},
            existing=(entry,) if stands else (), is_seen=True,
        )  # fmt: skip

    def _params(self, model_key: str, from_format: str) -> LodParams:
        params = LodParams(model_key=model_key, to_format=self.format, from_format=from_format)
        if self.tile_gaussians is not None:
            params.tile_gaussians = self.tile_gaussians
        else:
            params.levels[:], params.counts[:] = self.levels, self.counts
        return params

    def check(self) -> None:
        """Raises Problem, naming what there is."""
        check_format(self.format)
        for level in self.levels:
            if level not in LEVELS:
                raise not_accepted("level", level, list(LEVELS))
        if self.tile_gaussians is not None and (self.levels or self.counts):
            raise Problem(422, "invalid_request", "levels and tiles are made one at a time: ask for either")
