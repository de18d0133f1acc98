"""What people may ask for, and the job it takes: depth, a splat, a conversion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.events.v1.events_pb2 import Job
from immichvr_common.manifests import AssetFile, Manifest
from immichvr_common.storage import ObjectStore
from immichvr_models import registry

from immichvr_gateway.assets import PREFERENCE, AssetEntry, AssetIndex, ManifestReader, rank
from immichvr_gateway.jobs.desk import Desk
from immichvr_gateway.jobs.records import JobProgress, JobRecord, State, new_record
from immichvr_gateway.library import Identity, LibraryPhoto
from immichvr_gateway.models.orders import refusal_to_run
from immichvr_gateway.models.shelf import Shelf
from immichvr_gateway.problems import Problem, not_accepted, not_found
from immichvr_gateway.recipes import conversion_hash, depth_model_of, job_id, recipe
from immichvr_gateway.staging import Stager

DEPTH_MODELS = ["auto", *(model.key for model in registry.making("depth"))]
SPLAT_MODELS = ["auto", *(key for model in registry for key in model.splat_keys)]
QUALITIES = ["full", "light"]
FORMATS = ["ply", "compressed-ply", "splat", "ksplat", "spz", "sog", "glb"]
"""What a splat can be converted to: all that the splat library writes, named here so that it need not be imported."""

Kind = Literal["depth", "splat"]


@dataclass(frozen=True)
class Answer:
    """The job that answers a request; `done` when its result is already there."""

    record: JobRecord
    done: bool


class Orders:
    """Turns requests into jobs, or into what already exists."""

    def __init__(
        self,
        desk: Desk,
        assets: AssetIndex,
        manifests: ManifestReader,
        stager: Stager,
        store: ObjectStore,
        shelf: Shelf,
    ) -> None:
        self._desk, self._assets, self._manifests = desk, assets, manifests
        self._stager, self._store, self._shelf = stager, store, shelf

    async def depth(self, who: Identity, photo: LibraryPhoto, model: str, force: bool, trace: str) -> Answer:
        """A depth asset of a photo."""
        if model not in DEPTH_MODELS:
            raise not_accepted("model", model, DEPTH_MODELS)
        return await self._make("depth", who, photo, model, "full", force, trace)

    async def splat(
        self, who: Identity, photo: LibraryPhoto, model: str, quality: str, force: bool, trace: str
    ) -> Answer:
        """A splat of a photo, and its light variant where that quality is asked for."""
        if model not in SPLAT_MODELS:
            raise not_accepted("model", model, SPLAT_MODELS)
        if quality not in QUALITIES:
            raise not_accepted("quality", quality, QUALITIES)
        return await self._make("splat", who, photo, model, quality, force, trace)

    async def convert(self, who: Identity, photo: LibraryPhoto, to_format: str, model: str, trace: str) -> Answer:
        """A photo's splat in another format."""
        if to_format not in FORMATS:
            raise not_accepted("format", to_format, FORMATS)
        entry = self._splat_to_convert(photo, model)
        return await self._convert(entry, photo, to_format, "full", who.user_id, trace)

    async def lighten(self, record: JobRecord) -> JobRecord | None:
        """The job that makes the light variant of what a splat job just made; None if it exists."""
        entry = next(
            (self._assets.get(record.photo_id, key) for key in record.outputs if key.startswith("splat-")), None
        )
        if entry is None:
            return None
        source = record.job()
        photo = LibraryPhoto(
            record.photo_id, source.source_name, "", None, None, None, source.source_version, None, None
        )
        requester = record.requesters[0] if record.requesters else ""
        answer = await self._convert(entry, photo, "spz", "light", requester, source.traceparent)
        return None if answer.done else answer.record

    def is_outdated(self, manifest: Manifest, photo: LibraryPhoto) -> bool:
        """Whether the photo, or what makes assets of it, has changed since."""
        model = manifest.requested_model or "auto"
        if manifest.kind == "depth":
            model = depth_model_of(model)
        return manifest.recipe != recipe(manifest.kind, photo.source_version, model)

    async def _make(
        self, kind: Kind, who: Identity, photo: LibraryPhoto, model: str, quality: str, force: bool, trace: str
    ) -> Answer:
        own_recipe = recipe(kind, photo.source_version, model)
        name = job_id(kind, photo.id, own_recipe)
        ended_run = self._desk.ended_run(name)
        existing = None if force else await self._existing(kind, photo, model, own_recipe)
        if existing is not None:
            if quality == "light" and not await self._has(existing, "spz", "light"):
                return await self._convert(existing, photo, "spz", "light", who.user_id, trace)
            done = self._done(kind, existing, who, model, quality)
            return Answer(await self._desk.answer(done, who.user_id), done=True)
        await self._check_model(model)
        joined = await self._desk.join(name, who.user_id, quality == "light")
        if joined is not None:
            return Answer(joined, done=False)
        job = Job(
            id=name, kind=kind, photo_id=photo.id, run=1, bucket=self._store.bucket,
            source_version=photo.source_version, source_name=photo.name, traceparent=trace,
        )  # fmt: skip
        shown = {"model": model, **({"quality": quality} if kind == "splat" else {})}
        job.params.update({**shown, **({"keepPly": True} if kind == "splat" else {})})
        if accepted := await self._shelf.accepted():
            job.params.update({"accepted": accepted})
        job.recipes[kind] = own_recipe
        if kind == "splat":
            job.recipes["depth"] = recipe("depth", photo.source_version, depth_model_of(model))
        job.inputs["source"].CopyFrom(await self._stager.stage(who, photo))
        job.created_at.GetCurrentTime()
        record = new_record(job, self._desk.subject(kind, name), who.user_id, shown, light=quality == "light")
        return Answer(await self._desk.submit(record, who.user_id, ended_run), done=False)

    async def _check_model(self, model: str) -> None:
        """Raises Problem where the model that was asked for by name may not run, or be fetched."""
        if model == "auto":
            return
        refusal = refusal_to_run(await self._shelf.find(depth_model_of(model)), self._shelf.settings)
        if refusal is not None:
            raise refusal

    async def _existing(self, kind: str, photo: LibraryPhoto, model: str, own_recipe: str) -> AssetEntry | None:
        """What answers a request without work: made by the same recipe, with nothing better to be had since."""
        made = [entry for entry in self._assets.of_photo(photo.id) if entry.kind == kind and entry.recipe == own_recipe]
        if not made:
            return None
        best = min(made, key=lambda entry: rank(entry.model_key))
        return None if model == "auto" and await self._is_surpassed(best) else best

    async def _is_surpassed(self, entry: AssetEntry) -> bool:
        """Whether the weights of a model that `auto` prefers came after this was made."""
        better = [key for key in PREFERENCE[: max(0, rank(entry.model_key))] if key in registry]
        since = [await self._shelf.ready_since(key) for key in better if not registry[key].built_in]
        return any(at is not None and at > entry.made_at for at in since)

    def _done(self, kind: str, entry: AssetEntry, who: Identity, model: str, quality: str) -> JobRecord:
        return JobRecord(
            id=job_id(kind, entry.photo_id, entry.recipe), kind=kind, photo_id=entry.photo_id,
            requesters=[who.user_id], params={"model": model, "quality": quality}, state=State.SUCCEEDED,
            progress=JobProgress(fraction=1, stage="stored"), outputs=[entry.asset_key],
            created_at=entry.made_at, updated_at=entry.made_at,
        )  # fmt: skip

    def _splat_to_convert(self, photo: LibraryPhoto, model: str) -> AssetEntry:
        splats = [entry for entry in self._assets.of_photo(photo.id) if entry.kind == "splat"]
        if model != "auto":
            accepted = ["auto", *(entry.model_key for entry in splats)]
            if model not in accepted:
                raise not_accepted("model", model, accepted)
            splats = [entry for entry in splats if entry.model_key == model]
        if not splats:
            raise not_found(f"photo {photo.id} has no splat yet; make one first")
        return splats[0]

    async def _has(self, entry: AssetEntry, to_format: str, variant: str) -> bool:
        manifest = await self._manifests.read(entry.manifest_key)
        return find_file(manifest, to_format, variant) is not None

    async def _convert(
        self, entry: AssetEntry, photo: LibraryPhoto, to_format: str, variant: str, requester: str, trace: str
    ) -> Answer:
        own_hash = conversion_hash(entry.recipe, entry.model_key, to_format, variant)
        name = job_id("convert", photo.id, own_hash)
        ended_run = self._desk.ended_run(name)
        manifest = await self._manifests.read(entry.manifest_key)
        params: dict[str, Any] = {"format": to_format, "variant": variant, "model": entry.model_key}
        if find_file(manifest, to_format, variant) is not None:
            at = datetime.now(UTC)
            done = JobRecord(
                id=name, kind="convert", photo_id=photo.id, requesters=[requester], params=params,
                state=State.SUCCEEDED, outputs=[entry.asset_key], created_at=at, updated_at=at,
                progress=JobProgress(fraction=1, stage="stored"),
            )  # fmt: skip
            return Answer(await self._desk.answer(done, requester), done=True)
        source = find_file(manifest, "ply", "full") or find_file(manifest, "spz", "full")
        if source is None:
            raise Problem(409, "nothing_to_convert", f"asset {entry.asset_key} holds no splat file to convert")
        job = Job(
            id=name, kind="convert", photo_id=photo.id, run=1, bucket=self._store.bucket,
            source_version=photo.source_version, source_name=photo.name, traceparent=trace,
        )  # fmt: skip
        job.params.update(
            {"toFormat": to_format, "variant": variant, "fromFormat": source.format, "modelKey": entry.model_key}
        )
        job.inputs["splat"].CopyFrom(_reference(self._store.bucket, source))
        job.recipes["splat"] = entry.recipe
        job.created_at.GetCurrentTime()
        record = new_record(job, self._desk.subject("convert", name), requester, params)
        return Answer(await self._desk.submit(record, requester, ended_run), done=False)


def _reference(bucket: str, file: AssetFile) -> ObjectRef:
    return ObjectRef(
        bucket=bucket, key=file.key, size=file.size, sha256=file.sha256, media_type=file.media_type
    )  # fmt: skip


def find_file(manifest: Manifest, to_format: str, variant: str) -> AssetFile | None:
    """The splat file of that format and variant."""
    wanted = (file for file in manifest.files if file.role == "splat")
    return next((file for file in wanted if (file.format, file.variant) == (to_format, variant)), None)
