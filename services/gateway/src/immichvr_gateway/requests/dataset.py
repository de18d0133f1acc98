"""The pictures of a scene with cameras, depth and masks, in nerfstudio's layout."""

from __future__ import annotations

from typing import Annotated

from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.inpaint.v1.inpaint_pb2 import DatasetParams
from immichvr_catalog import SPLAT
from immichvr_common.manifests import Manifest
from pydantic import ConfigDict, Field

from immichvr_gateway.http.problems import Problem
from immichvr_gateway.requests.conversion import best_input, reference
from immichvr_gateway.requests.planning import JobRequest, Known
from immichvr_gateway.requests.recipes import conversion_hash, job_id
from immichvr_gateway.requests.spec import JobSpec

DATASET = "dataset"
_VIEWS = "views"


class DatasetRequest(JobRequest):
    """Of which of a scene's splats to pack the dataset."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"model": "auto"}]})
    model: Annotated[str, Field(max_length=64)] = "auto"

    @property
    def extends_model(self) -> str:
        """As it was asked for."""
        return self.model

    @property
    def needs_models(self) -> bool:
        """It takes what there is."""
        return False

    def plan(self, known: Known) -> JobSpec:
        """One zip for each splat. Raises Problem where that was not made of several pictures."""
        entry, manifest = known.extended_asset()
        stands = any(file.role == DATASET for file in manifest.files)
        hashed = conversion_hash(entry.recipe, entry.model_key, DATASET, "zip")
        return JobSpec(
            kind=DATASET, id=job_id(DATASET, known.of.source, hashed), params=DatasetParams(model_key=entry.model_key),
            shown={"model": entry.model_key}, of=known.of, recipes={SPLAT: entry.recipe},
            inputs={} if stands else dataset_inputs(known.bucket, manifest), existing=(entry,) if stands else (),
            is_seen=True,
        )  # fmt: skip


def dataset_inputs(bucket: str, manifest: Manifest) -> dict[str, ObjectRef]:
    """What a dataset is packed of, by role. Raises Problem."""
    views = next((file for file in manifest.files if file.role == _VIEWS), None)
    if views is None:
        raise Problem(
            409, "no_views", f"asset {manifest.asset_key} keeps no pictures with cameras: it was not made of several"
        )
    return {SPLAT: reference(bucket, best_input(manifest)), _VIEWS: reference(bucket, views)}
