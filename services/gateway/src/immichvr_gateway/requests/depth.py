"""Depth of a photo."""

from __future__ import annotations

from typing import Annotated

from immichvr.ai.v1.ai_pb2 import DepthParams
from immichvr_catalog import DEPTH
from immichvr_models import registry
from pydantic import ConfigDict, Field, StrictBool

from immichvr_gateway.http.problems import not_accepted
from immichvr_gateway.requests.params import shown_params
from immichvr_gateway.requests.photos import answers, refusal
from immichvr_gateway.requests.planning import JobRequest, Known
from immichvr_gateway.requests.recipes import job_id, recipe
from immichvr_gateway.requests.spec import JobSpec

DEPTH_MODELS = ["auto", *(model.key for model in registry.making("depth"))]


class DepthRequest(JobRequest):
    """What depth to make."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"model": "auto", "force": False}]})
    model: Annotated[str, Field(max_length=64, json_schema_extra={"enum": [*DEPTH_MODELS]})] = "auto"
    points: StrictBool = Field(False, description="whether a point cloud (GLB) is made beside it")
    force: StrictBool = False

    def plan(self, known: Known) -> JobSpec:
        """Depth with points answers for depth alone."""
        if self.model not in DEPTH_MODELS:
            raise not_accepted("model", self.model, DEPTH_MODELS)
        own = depth_recipe(known.of.version, self.model, self.points)
        will_do = frozenset({own, depth_recipe(known.of.version, self.model, points=True)})
        params = DepthParams(model=self.model, points=self.points)
        return JobSpec(
            kind=DEPTH, id=job_id(DEPTH, known.of.source, own), params=params, shown=shown_params(params),
            grants=known.grants(), of=known.of, recipes={DEPTH: own}, stages_source=True, trusts_staged=self.force,
            existing=() if self.force else answers(DEPTH, self.model, will_do, known),
            refusal=refusal(self.model, known),
        )  # fmt: skip


def depth_recipe(version: str, model: str, points: bool) -> str:
    """What a depth asset depends on."""
    return recipe(DEPTH, version, model, {"points": True} if points else None)
