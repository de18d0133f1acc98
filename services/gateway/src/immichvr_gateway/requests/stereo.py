"""Stereo of a video that has depth: made without the network."""

from __future__ import annotations

from typing import Annotated

from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.videodepth.v1.videodepth_pb2 import Range, StereoParams
from immichvr_catalog import DEPTH_VIDEO
from immichvr_common.manifests import AssetFile, Manifest
from pydantic import ConfigDict, Field, StrictBool

from immichvr_gateway.http.numbers import NUMBER
from immichvr_gateway.http.problems import Problem, not_accepted
from immichvr_gateway.requests.conversion import reference
from immichvr_gateway.requests.planning import JobRequest, Known
from immichvr_gateway.requests.recipes import conversion_hash, is_outdated, job_id
from immichvr_gateway.requests.spec import JobSpec

STEREO = "stereo"
LAYOUTS = ["full-sbs", "half-sbs", "over-under", "vr180"]
_ROLES = {"depth": "depth-video", "frames": "frames"}
"""The job's inputs, and the roles that those files have in the asset."""


class StereoRequest(JobRequest):
    """Which stereo to make of a video that has depth. What is asked for with other than the defaults is a file of its
    own.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"layout": "full-sbs"}]})
    layout: str = Field("full-sbs", max_length=16, json_schema_extra={"enum": [*LAYOUTS]})
    model: Annotated[str, Field(max_length=64)] = "auto"
    baseline: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False), NUMBER] | None = Field(
        None, description="between the nearest and the farthest point, in % of the picture's width"
    )
    convergence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), NUMBER] | None = Field(
        None, description="what lies on the screen, from the farthest to the nearest"
    )
    comfort: Annotated[float, Field(gt=0, le=5, allow_inf_nan=False), NUMBER] | None = Field(
        None, description="the most disparity of any point, in % of the width"
    )
    force: StrictBool = False

    @property
    def extends_model(self) -> str:
        """As it was asked for."""
        return self.model

    @property
    def needs_models(self) -> bool:
        """It takes the depth there is."""
        return False

    @property
    def label(self) -> str:
        """What the file is among the stereo files of its asset."""
        given = {"baseline": self.baseline, "convergence": self.convergence, "comfort": self.comfort}
        own = [f"{name}-{value:g}" for name, value in given.items() if value is not None]
        return ".".join([self.layout, *own])

    def check(self) -> None:
        """Raises Problem, naming what there is."""
        if self.layout not in LAYOUTS:
            raise not_accepted("layout", self.layout, LAYOUTS)

    def plan(self, known: Known) -> JobSpec:
        """From the depth video, and the video itself for its colours. Raises Problem."""
        entry, manifest = known.extended_asset()
        self.check()
        stands = any(file.role == STEREO and file.variant == self.label for file in manifest.files)
        inputs = {} if stands else _inputs(known, manifest)
        hashed = conversion_hash(entry.recipe, entry.model_key, STEREO, self.label)
        return JobSpec(
            kind=STEREO, id=job_id(STEREO, known.of.source, hashed), params=self._params(entry.model_key, manifest),
            shown={"layout": self.layout, "model": entry.model_key, "label": self.label}, of=known.of,
            recipes={DEPTH_VIDEO: entry.recipe}, inputs=inputs, stages_source=True, trusts_staged=True,
            existing=(entry,) if stands and not self.force else (), is_seen=True,
            refusal=_changed(known) if is_outdated(manifest, known.of.version) else None,
        )  # fmt: skip

    def _params(self, model_key: str, manifest: Manifest) -> StereoParams:
        params = StereoParams(
            layout=self.layout, model_key=model_key, label=self.label, baseline=self.baseline,
            convergence=self.convergence, comfort=self.comfort,
        )  # fmt: skip
        part = manifest.params.get("range")
        if part:
            params.range.CopyFrom(Range(from_s=part.get("fromS", 0), to_s=part.get("toS", 0)))
        return params


def _inputs(known: Known, manifest: Manifest) -> dict[str, ObjectRef]:
    """The video as it was staged for what this follows from; whoever asks has it staged. Raises Problem."""
    inputs = depth_of(known.bucket, manifest)
    return inputs if known.staged is None else {**inputs, "source": known.staged}


def depth_of(bucket: str, manifest: Manifest) -> dict[str, ObjectRef]:
    """What stereo is made of beside the video, by role. Raises Problem."""
    return {role: reference(bucket, _file(manifest, of_role)) for role, of_role in _ROLES.items()}


def _file(manifest: Manifest, role: str) -> AssetFile:
    file = next((one for one in manifest.files if one.role == role), None)
    if file is None:
        raise Problem(409, "nothing_to_convert", f"asset {manifest.asset_key} keeps no depth to make stereo of")
    return file


def _changed(known: Known) -> Problem:
    return Problem(409, "changed", f"{known.of.name} has changed since its depth was made; make that anew first")
