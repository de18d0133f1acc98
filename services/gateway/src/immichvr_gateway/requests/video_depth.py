"""Depth of a video, and stereo made of it where that is asked for too."""

from __future__ import annotations

from typing import Annotated

from immichvr.videodepth.v1.videodepth_pb2 import Range, VideoDepthParams
from immichvr_catalog import DEPTH_VIDEO
from immichvr_catalog.video_keys import USUAL_CODEC
from immichvr_models import registry
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from immichvr_gateway.http.numbers import NUMBER
from immichvr_gateway.http.problems import Problem, not_accepted
from immichvr_gateway.jobs.records import FollowUp
from immichvr_gateway.requests.params import shown_params
from immichvr_gateway.requests.photos import answers, model_refusal
from immichvr_gateway.requests.planning import JobRequest, Known
from immichvr_gateway.requests.recipes import job_id, video_recipe
from immichvr_gateway.requests.spec import JobSpec
from immichvr_gateway.requests.stereo import LAYOUTS, STEREO

VIDEO_DEPTH = "video-depth"
VIDEO_MODELS = ["auto", *(model.key for model in registry.making("video-depth"))]
CODECS = ["hevc", "av1", "h264"]
_MADE_ALWAYS = ["depth", "rgbd", "poster", "strip"]
"""What the viewer plays, and what stereo is made of later."""
OUTPUTS = [*_MADE_ALWAYS, *LAYOUTS]


class TimeRange(BaseModel):
    """A part of a video, in seconds from its beginning. to_s: where it ends; absent, with the video."""

    model_config = ConfigDict(extra="forbid")
    from_s: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False), NUMBER] = 0
    to_s: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False), NUMBER] | None = None


class VideoDepthRequest(JobRequest):
    """Which depth to make of a video. outputs: what is wanted of it; all that the viewer plays is made in any case."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"model": "auto"}, {"outputs": ["full-sbs"], "range": {"from_s": 5, "to_s": 20}}]
        },
    )
    model: Annotated[str, Field(max_length=64, json_schema_extra={"enum": [*VIDEO_MODELS]})] = "auto"
    outputs: list[Annotated[str, Field(json_schema_extra={"enum": [*OUTPUTS]})]] = Field([], max_length=len(OUTPUTS))
    range: TimeRange | None = None
    codec: str | None = Field(
        None, max_length=8, json_schema_extra={"enum": [*CODECS, None]},
        description="of the depth video; hevc by default. In another one it is an asset of its own, `…-av1`",
    )  # fmt: skip
    force: StrictBool = False

    def check(self) -> None:
        """Raises Problem, naming what there is."""
        if self.model not in VIDEO_MODELS:
            raise not_accepted("model", self.model, VIDEO_MODELS)
        for output in self.outputs:
            if output not in OUTPUTS:
                raise not_accepted("output", output, OUTPUTS)
        if self.codec is not None and self.codec not in CODECS:
            raise not_accepted("codec", self.codec, CODECS)
        if self.range is not None and self.range.to_s is not None and self.range.to_s <= self.range.from_s:
            raise Problem(422, "invalid_request", "a range ends after it begins: to_s has to be above from_s")

    def plan(self, known: Known) -> JobSpec:
        """One job whichever layouts of stereo are wanted: they follow from it."""
        self.check()
        params = self._params()
        own = video_recipe(known.of.version, shown_params(params))
        layouts = [one for one in LAYOUTS if one in self.outputs]
        return JobSpec(
            kind=VIDEO_DEPTH, id=job_id(VIDEO_DEPTH, known.of.source, own), params=params, shown=shown_params(params),
            grants=known.grants(), of=known.of, recipes={DEPTH_VIDEO: own}, stages_source=True,
            trusts_staged=self.force, then=tuple(_stereo(one) for one in layouts),
            existing=() if self.force else answers(DEPTH_VIDEO, self.model, frozenset({own}), known),
            refusal=model_refusal(self.model, known),
        )  # fmt: skip

    def _params(self) -> VideoDepthParams:
        params = VideoDepthParams(model=self.model, codec="" if self.codec in (None, USUAL_CODEC) else self.codec)
        if self.range is not None and (self.range.from_s or self.range.to_s is not None):
            params.range.CopyFrom(Range(from_s=self.range.from_s, to_s=self.range.to_s or 0))
        return params


def _stereo(layout: str) -> FollowUp:
    return FollowUp(name=layout, kind=STEREO, request={"layout": layout}, message="making stereo")
