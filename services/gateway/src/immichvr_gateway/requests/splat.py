"""A splat of a photo, and smaller levels of it where that quality is asked for."""

from __future__ import annotations

from typing import Annotated

from immichvr.ai.v1.ai_pb2 import SplatParams
from immichvr_catalog import DEPTH, SPLAT
from immichvr_models import registry
from pydantic import ConfigDict, Field, StrictBool

from immichvr_gateway.http.problems import not_accepted
from immichvr_gateway.jobs.records import FOLLOW_UPS_OF_QUALITY, follow_ups
from immichvr_gateway.requests.params import shown_params
from immichvr_gateway.requests.photos import answers, refusal
from immichvr_gateway.requests.planning import JobRequest, Known
from immichvr_gateway.requests.recipes import depth_model_of, job_id, recipe
from immichvr_gateway.requests.spec import JobSpec

SPLAT_MODELS = ["auto", *(key for model in registry for key in model.splat_keys)]
_LIGHT = "light"
QUALITIES = list(FOLLOW_UPS_OF_QUALITY)


class SplatRequest(JobRequest):
    """What splat to make."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"model": "auto", "quality": "light"}]})
    model: Annotated[str, Field(max_length=64, json_schema_extra={"enum": [*SPLAT_MODELS]})] = "auto"
    quality: str = Field("full", max_length=16, json_schema_extra={"enum": [*QUALITIES]})
    force: StrictBool = False

    def plan(self, known: Known, with_ply: bool = False) -> JobSpec:
        """One job for all qualities: its levels follow from it. with_ply: the splat once more, with its raw PLY."""
        if self.model not in SPLAT_MODELS:
            raise not_accepted("model", self.model, SPLAT_MODELS)
        if self.quality not in QUALITIES:
            raise not_accepted("quality", self.quality, QUALITIES)
        own = recipe(SPLAT, known.of.version, self.model)
        params = SplatParams(model=self.model, quality=self.quality)
        made = () if self.force or with_ply else answers(SPLAT, self.model, frozenset({own}), known)
        return JobSpec(
            kind=SPLAT, id=job_id(SPLAT, known.of.source, own), params=params, shown=shown_params(params),
            grants=known.grants(keep_ply=with_ply or known.keeps_ply), of=known.of,
            recipes={SPLAT: own, DEPTH: recipe(DEPTH, known.of.version, depth_model_of(self.model))},
            # Who only wants it once more had it a moment ago; all others may ask because something is lost.
            stages_source=True, trusts_staged=self.force,
            then=tuple(follow_ups(self.quality)),
            # Whoever wants more than the light variant is not answered by one of which that alone is kept.
            existing=tuple(one for one in made if self.quality == _LIGHT or not one.preview),
            refusal=refusal(self.model, known),
        )  # fmt: skip
