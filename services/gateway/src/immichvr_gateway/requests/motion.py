"""A motion clip of a photo."""

from __future__ import annotations

from typing import Annotated

from immichvr.videodepth.v1.videodepth_pb2 import MotionParams
from immichvr_catalog import DEPTH, MOTION
from immichvr_common.manifests import AssetFile, Manifest
from pydantic import ConfigDict, Field, StrictBool

from immichvr_gateway.http.numbers import NUMBER
from immichvr_gateway.http.problems import not_accepted
from immichvr_gateway.requests.conversion import reference
from immichvr_gateway.requests.params import shown_params
from immichvr_gateway.requests.photos import refusal
from immichvr_gateway.requests.planning import JobRequest, Known
from immichvr_gateway.requests.recipes import job_id, recipe
from immichvr_gateway.requests.spec import JobSpec

PATHS = ["sway", "orbit", "dolly", "zoom"]


class MotionRequest(JobRequest):
    """How the camera goes around a photo: a loop that begins and ends at the photo itself."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"path": "sway", "seconds": 3}]})
    path: str = Field("sway", max_length=16, json_schema_extra={"enum": [*PATHS]})
    seconds: Annotated[float, Field(ge=2, le=4, allow_inf_nan=False), NUMBER] = 3
    amplitude: Annotated[float, Field(gt=0, le=2, allow_inf_nan=False), NUMBER] = Field(
        1, description="how far it goes; 1 is the path's own"
    )
    force: StrictBool = False

    @property
    def uses(self) -> str:
        """The best depth there is; without any, it is guessed."""
        return DEPTH

    @property
    def needs_models(self) -> bool:
        """It takes the depth there is."""
        return False

    def check(self) -> None:
        """Raises Problem, naming what there is."""
        if self.path not in PATHS:
            raise not_accepted("path", self.path, PATHS)

    def plan(self, known: Known) -> JobSpec:
        """One clip for each way of making it, and for each depth that it is made with."""
        self.check()
        params = MotionParams(path=self.path, seconds=self.seconds, amplitude=self.amplitude)
        shown, made_with, inputs = shown_params(params), {}, {}
        depth = _depth_in(known.used)
        if known.used is not None and depth is not None:
            params.depth_key = known.used.model_key
            made_with = {DEPTH: [known.used.model_key, known.used.recipe]}
            inputs = {DEPTH: reference(known.bucket, depth)}
        own = recipe(MOTION, known.of.version, "", {**shown, **made_with})
        made = tuple(one for one in known.assets if one.kind == MOTION and one.recipe == own)
        return JobSpec(
            kind=MOTION, id=job_id(MOTION, known.of.source, own), params=params, shown=shown, of=known.of,
            recipes={MOTION: own}, inputs=inputs, stages_source=True, trusts_staged=self.force,
            existing=() if self.force else made, refusal=refusal("auto", known),
        )  # fmt: skip


def _depth_in(used: Manifest | None) -> AssetFile | None:
    """The depth map to measure in, of a depth asset."""
    files = [] if used is None else used.files
    return next((one for one in files if one.role == DEPTH and one.format == "png"), None)
