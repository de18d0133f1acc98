"""A scene, or a photo's splat, with what is missing in it filled."""

from __future__ import annotations

from typing import Annotated

from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.inpaint.v1.inpaint_pb2 import InpaintParams, PhotoCamera
from immichvr_catalog import SPLAT
from immichvr_catalog.scene_keys import completed_method, is_completed
from immichvr_common.manifests import AssetFile, Manifest
from pydantic import ConfigDict, Field, StrictBool

from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.http.numbers import NUMBER
from immichvr_gateway.http.problems import Problem, not_accepted
from immichvr_gateway.requests.cameras import camera_of
from immichvr_gateway.requests.conversion import best_input, find_file, reference
from immichvr_gateway.requests.params import shown_params
from immichvr_gateway.requests.planning import JobRequest, Known
from immichvr_gateway.requests.recipes import job_id, recipe
from immichvr_gateway.requests.spec import JobSpec

INPAINT = "inpaint"
METHODS = ["auto", "lama", "joint-multiview", "reference", "individual", "fill"]
_CAMERAS = "cameras"
_BY_WEIGHTS = {"lama": "lama", "joint-multiview": "sd2-inpainting"}
"""Of what `auto` takes first, in its order: the model whose weights it needs."""


class InpaintRequest(JobRequest):
    """How to fill what is missing. What is left open is as the server's settings say."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"method": "fill"}, {"iterations": 500, "dataset_update": 4}]}
    )
    method: str | None = Field(None, max_length=32, json_schema_extra={"enum": [*METHODS, None]})
    iterations: Annotated[int, Field(ge=1, le=30_000), NUMBER] | None = Field(
        None, description="steps of optimising what is new"
    )
    dataset_update: Annotated[int, Field(ge=1, le=20), NUMBER] | None = Field(
        None, description="rounds in which the pictures are completed"
    )
    model: Annotated[str, Field(max_length=64, description="which splat; the best where `auto`")] = "auto"
    force: StrictBool = False

    @property
    def uses(self) -> str:
        """A splat."""
        return SPLAT

    @property
    def needs_models(self) -> bool:
        """For the licences that were accepted."""
        return True

    @property
    def _is_open(self) -> bool:
        """Whether the best method that can run is wanted, whichever that is."""
        return self.method in (None, "auto")

    def may_use(self, entry: AssetEntry) -> bool:
        """The one that was named; of itself, nothing that was completed already."""
        return not is_completed(entry.model_key) if self.model == "auto" else entry.model_key == self.model

    def check(self) -> None:
        """Raises Problem, naming what there is."""
        if self.method is not None and self.method not in METHODS:
            raise not_accepted("method", self.method, METHODS)

    def plan(self, known: Known) -> JobSpec:
        """One completed splat for each way of completing each. Raises Problem where there is none to complete."""
        self.check()
        if known.used is None:
            raise Problem(
                409, "nothing_to_complete", f"{known.of.source} has no 3D as it is now; make that first, then fill it"
            )
        params = InpaintParams(
            method=self.method or "", iterations=self.iterations or 0, dataset_update=self.dataset_update or 0,
            model_key=known.used.model_key,
        )  # fmt: skip
        shown = shown_params(params)
        of = {"of": known.used.recipe, "file": _lasting(known.used).sha256}
        own = recipe(INPAINT, known.of.version, "", {**shown, **of})
        if (camera := camera_of(known.used)) is not None:
            params.camera.CopyFrom(PhotoCamera(**camera))
        made = tuple(
            one for one in known.assets
            if one.kind == SPLAT and one.recipe == own and not (self._is_open and _is_surpassed(one, known))
        )  # fmt: skip
        return JobSpec(
            kind=INPAINT, id=job_id(INPAINT, known.of.source, own), params=params, shown=shown,
            grants=known.grants(keep_ply=known.keeps_ply),
            of=known.of, recipes={SPLAT: own}, inputs=inpaint_inputs(known.bucket, known.used),
            existing=() if self.force else made,
        )  # fmt: skip


def _is_surpassed(entry: AssetEntry, known: Known) -> bool:
    """Whether the weights of a method that `auto` prefers came after this was completed."""
    used = completed_method(entry.model_key)
    methods = list(_BY_WEIGHTS)
    better = methods[: methods.index(used)] if used in methods else methods
    since = [known.models[_BY_WEIGHTS[one]].ready_since for one in better]
    return any(at is not None and at > entry.made_at for at in since)


def _lasting(manifest: Manifest) -> AssetFile:
    """The file that tells one making of a splat from the next: its SPZ, as the raw PLY goes after a while."""
    return find_file(manifest, "spz", "full") or best_input(manifest)


def inpaint_inputs(bucket: str, manifest: Manifest) -> dict[str, ObjectRef]:
    """What is completed, and where it was seen from, by role. Raises Problem."""
    cameras = next((file for file in manifest.files if file.role == _CAMERAS), None)
    seen_from = {} if cameras is None else {_CAMERAS: reference(bucket, cameras)}
    return {SPLAT: reference(bucket, best_input(manifest)), **seen_from}
