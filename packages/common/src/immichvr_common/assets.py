"""Storing what a task made: files first, the manifest last."""

from __future__ import annotations

import asyncio
from datetime import UTC
from pathlib import Path

from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.events.v1.events_pb2 import Job, Output

from immichvr_common.errors import InvalidRequest
from immichvr_common.grants import params_of
from immichvr_common.manifests import AssetFile, Manifest, add_files, asset_prefix, commit_manifest, manifest_key
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_common.tasks import Made

_TOLD = 8
"""Files that an event names, so that whoever reads it can look for them and for the manifest at the same time."""


async def upload_files(store: ObjectStore, job: Job, attempt: int, made: Made, folder: Path) -> list[AssetFile]:
    """Stores the files of one asset a job made; what they belong to does not exist yet.

    Every attempt writes keys of its own, so that no two ever mix their bytes. Raises InvalidRequest, Unavailable.
    """
    prefix = asset_prefix(made.kind, source_of(job), made.model_key, _recipe(job, made))
    own = f"{prefix}/{_folder(job, attempt, made.extends)}"
    refs = await asyncio.gather(
        *(store.put_file(f"{own}/{file.name}", folder / file.name, file.media_type) for file in made.files)
    )
    return [
        AssetFile(
            name=file.name, role=file.role, format=file.format, variant=file.variant, key=ref.key, size=ref.size,
            sha256=ref.sha256, media_type=file.media_type,
        )
        for file, ref in zip(made.files, refs, strict=True)
    ]  # fmt: skip


async def commit_asset(store: ObjectStore, job: Job, attempt: int, made: Made, files: list[AssetFile]) -> Output:
    """Makes the asset exist, or adds its files to the asset it extends; the manifest decides whose files count.

    Raises InvalidRequest, NotFound, Contended, SourceReplaced, Unavailable. Doing it again is harmless.
    """
    recipe = _recipe(job, made)
    if made.extends:
        key = manifest_key(made.kind, source_of(job), made.model_key, recipe)
        made_of = [ref.sha256 for ref in job.inputs.values() if ref.sha256]
        manifest = await add_files(store, key, files, made.losses, made_of)
    else:
        manifest = await commit_manifest(store, _manifest(job, attempt, made, recipe, files))
    reference = ObjectRef(bucket=store.bucket, key=manifest.key, media_type="application/json")
    told = [ObjectRef(bucket=store.bucket, key=file.key, size=file.size) for file in files[:_TOLD]]
    return Output(
        kind=made.kind, model_key=made.model_key, recipe=recipe,
        asset_key=manifest.asset_key, manifest=reference, files=told,
    )  # fmt: skip


def is_of_job(file: AssetFile, job_id: str) -> bool:
    """Whether this job added the file to an asset that was there already."""
    return f"-{_own_part(job_id)}-" in file.key.rsplit("/", 2)[-2]


def source_of(job: Job) -> Source:
    """What a job that makes assets makes them of. Raises InvalidRequest."""
    source = Source.of(job)
    if source is None:
        raise InvalidRequest("the job names no source that its assets would be of")
    return source


def _folder(job: Job, attempt: int, extends: bool) -> str:
    """Where an attempt writes, and none ever did: a job that was forgotten counts its runs from one again.

    Many jobs may extend one asset, with files of the same name too.
    """
    own = f"-{_own_part(job.id)}" if extends else ""
    return f"{job.kind}{own}-{job.run}-{attempt}-{job.created_at.ToMilliseconds():x}"


def _recipe(job: Job, made: Made) -> str:
    recipe = job.recipes.get(made.kind, "")
    if not recipe:
        raise InvalidRequest(f"the job names no recipe for the {made.kind} it made")
    return recipe


def _own_part(job_id: str) -> str:
    return job_id.rpartition("-")[2]


def _manifest(job: Job, attempt: int, made: Made, recipe: str, files: list[AssetFile]) -> Manifest:
    params = params_of(job)
    return Manifest(
        kind=made.kind,
        source=source_of(job),
        source_version=job.source_version,
        model_key=made.model_key,
        model_revision=made.model_revision,
        requested_model=str(params.get("model", "")),
        reason=made.reason,
        recipe=recipe,
        params=params,
        details=made.details,
        files=files,
        losses=[*([job.source_note] if job.source_note else []), *made.losses],
        timings=made.timings,
        job_id=job.id,
        run=job.run,
        attempt=attempt,
        requested_at=job.created_at.ToDatetime(UTC),
    )
