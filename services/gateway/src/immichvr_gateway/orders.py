"""What people may ask for, and the job it takes: depth, a splat. `conversions` is what can be made of a splat."""

from __future__ import annotations

from typing import Any, Literal

from immichvr.events.v1.events_pb2 import Job
from immichvr_common.errors import NotFound
from immichvr_common.manifests import Manifest, manifest_key
from immichvr_common.storage import ObjectStore
from immichvr_models import registry

from immichvr_gateway.assets import PREFERENCE, AssetEntry, AssetIndex, ManifestReader, entry_of, rank
from immichvr_gateway.conversions import Asker, Conversions
from immichvr_gateway.jobs.desk import Desk
from immichvr_gateway.jobs.records import Answer, JobProgress, JobRecord, State, new_record
from immichvr_gateway.library import Identity, LibraryPhoto
from immichvr_gateway.models.orders import refusal_to_run
from immichvr_gateway.models.shelf import Shelf
from immichvr_gateway.problems import not_accepted
from immichvr_gateway.recipes import depth_model_of, job_id, recipe
from immichvr_gateway.staging import Stager

DEPTH_MODELS = ["auto", *(model.key for model in registry.making("depth"))]
SPLAT_MODELS = ["auto", *(key for model in registry for key in model.splat_keys)]
QUALITIES = ["full", "light"]

Kind = Literal["depth", "splat"]


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
        self.conversions = Conversions(desk, assets, manifests, store)

    async def depth(
        self, who: Identity, photo: LibraryPhoto, model: str, force: bool, trace: str, points: bool = False
    ) -> Answer:
        """A depth asset of a photo, with a point cloud where `points` is asked for."""
        if model not in DEPTH_MODELS:
            raise not_accepted("model", model, DEPTH_MODELS)
        return await self._make("depth", who, photo, model, "full", force, trace, points)

    async def splat(
        self, who: Identity, photo: LibraryPhoto, model: str, quality: str, force: bool, trace: str
    ) -> Answer:
        """A splat of a photo, and its light variant where that quality is asked for."""
        if model not in SPLAT_MODELS:
            raise not_accepted("model", model, SPLAT_MODELS)
        if quality not in QUALITIES:
            raise not_accepted("quality", quality, QUALITIES)
        return await self._make("splat", who, photo, model, quality, force, trace)

    async def lighten(self, record: JobRecord) -> Answer:
        """The job that makes the light variant of what a splat job just made; `done` where it exists.

        Raises NotFound where there is no such splat, Unavailable.
        """
        entry = await self._splat_of(record)
        source = record.job()
        photo = LibraryPhoto(
            record.photo_id, source.source_name, "", None, None, None, source.source_version, None, None
        )
        requester = record.requesters[0] if record.requesters else ""
        return await self.conversions.lighten(Asker(requester, source.traceparent), photo, entry)

    async def _splat_of(self, record: JobRecord) -> AssetEntry:
        """The splat that a job made, from its own manifest where the index knows of another, or of none."""
        key = next((key for key in record.outputs if key.startswith("splat-")), None)
        if key is None:
            raise NotFound(f"job {record.id} made no splat")
        made_by = record.job().recipes["splat"]
        entry = self._assets.get(record.photo_id, key)
        if entry is not None and entry.recipe == made_by:
            return entry
        at = manifest_key("splat", record.photo_id, key.removeprefix("splat-"), made_by)
        return entry_of(await self._manifests.read(at))

    def is_outdated(self, manifest: Manifest, photo: LibraryPhoto) -> bool:
        """Whether the photo, or what makes assets of it, has changed since."""
        model = manifest.requested_model or "auto"
        if manifest.kind == "depth":
            model = depth_model_of(model)
        points = manifest.kind == "depth" and bool(manifest.params.get("points"))
        return manifest.recipe != _recipe(manifest.kind, photo, model, points)

    async def _make(
        self,
        kind: Kind,
        who: Identity,
        photo: LibraryPhoto,
        model: str,
        quality: str,
        force: bool,
        trace: str,
        points: bool = False,
    ) -> Answer:
        own_recipe = _recipe(kind, photo, model, points)
        name = job_id(kind, photo.id, own_recipe)
        ended_run = self._desk.ended_run(name)
        existing = None if force else await self._existing(kind, photo, model, points)
        if existing is not None:
            if quality == "light" and not await self.conversions.has_light(existing):
                return await self.conversions.lighten(Asker(who.user_id, trace), photo, existing)
            done = self._done(kind, existing, who, model, quality)
            return Answer(await self._desk.answer(done, who.user_id), done=True)
        await self._check_model(model)
        joined = await self._desk.join(name, who.user_id, quality == "light")
        if joined is not None:
            return Answer(joined, done=False)
        self._desk.require_room()
        job = Job(
            id=name, kind=kind, photo_id=photo.id, run=1, bucket=self._store.bucket,
            source_version=photo.source_version, source_name=photo.name, traceparent=trace,
        )  # fmt: skip
        shown: dict[str, Any] = {"model": model, **({"quality": quality} if kind == "splat" else {})}
        if points:
            shown["points"] = True
        job.params.update({**shown, **({"keepPly": True} if kind == "splat" else {})})
        if accepted := await self._shelf.accepted():
            job.params.update({"accepted": accepted})
        job.recipes[kind] = own_recipe
        if kind == "splat":
            job.recipes["depth"] = recipe("depth", photo.source_version, depth_model_of(model))
        staged = await self._stager.stage(who, photo)
        job.inputs["source"].CopyFrom(staged.ref)
        job.source_note = staged.note
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

    async def _existing(self, kind: str, photo: LibraryPhoto, model: str, points: bool) -> AssetEntry | None:
        """What answers a request without work: made by a recipe that will do, with nothing better to be had since."""
        will_do = {_recipe(kind, photo, model, points), _recipe(kind, photo, model, kind == "depth")}
        made = [entry for entry in self._assets.of_photo(photo.id) if entry.kind == kind and entry.recipe in will_do]
        if not made:
            return None
        best = min(made, key=rank)
        return None if model == "auto" and await self._is_surpassed(best) else best

    async def _is_surpassed(self, entry: AssetEntry) -> bool:
        """Whether the weights of a model that `auto` prefers came after this was made."""
        better = {depth_model_of(key) for key in PREFERENCE[entry.kind][: rank(entry)]}
        since = [await self._shelf.ready_since(key) for key in better if not registry[key].built_in]
        return any(at is not None and at > entry.made_at for at in since)

    def _done(self, kind: str, entry: AssetEntry, who: Identity, model: str, quality: str) -> JobRecord:
        return JobRecord(
            id=job_id(kind, entry.photo_id, entry.recipe), kind=kind, photo_id=entry.photo_id,
            requesters=[who.user_id], params={"model": model, "quality": quality}, state=State.SUCCEEDED,
            progress=JobProgress(fraction=1, stage="stored"), outputs=[entry.asset_key],
            created_at=entry.made_at, updated_at=entry.made_at,
        )  # fmt: skip


def _recipe(kind: str, photo: LibraryPhoto, model: str, points: bool) -> str:
    return recipe(kind, photo.source_version, model, {"points": True} if points else None)
