"""What people may ask for, and the job it takes: depth, a splat. `conversions` is what can be made of a splat."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from typing import Any, Literal

from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import Job
from immichvr_common.errors import NotFound, Unavailable
from immichvr_common.manifests import Manifest, manifest_key
from immichvr_common.storage import ObjectStore
from immichvr_media import NotFlat, is_flat
from immichvr_models import registry

from immichvr_gateway.assets import PREFERENCE, AssetEntry, AssetIndex, ManifestReader, entry_of, rank
from immichvr_gateway.conversions import LIGHT, Asker, Conversion, Conversions, Levels, find_file
from immichvr_gateway.jobs.desk import Desk
from immichvr_gateway.jobs.records import Answer, JobProgress, JobRecord, State, new_record
from immichvr_gateway.library import Identity, LibraryPhoto
from immichvr_gateway.models.orders import refusal_to_run
from immichvr_gateway.models.shelf import Shelf
from immichvr_gateway.problems import Problem, not_accepted
from immichvr_gateway.recipes import depth_model_of, job_id, recipe
from immichvr_gateway.retention.forgetting import AssetBook
from immichvr_gateway.staging import Stager

DEPTH_MODELS = ["auto", *(model.key for model in registry.making("depth"))]
SPLAT_MODELS = ["auto", *(key for model in registry for key in model.splat_keys)]
QUALITIES = ["full", "light"]
_ASKERS, _ASKERS_OF_ONE = 4096, 8
"""Of so many jobs it is remembered who asked, and of so many people."""

Kind = Literal["depth", "splat"]


class Orders:
    """Turns requests into jobs, or into what already exists.

    book: told of what turns out to be lost. keeps_ply: whether splats that somebody waits for get their raw PLY too.
    """

    def __init__(
        self,
        desk: Desk,
        assets: AssetIndex,
        manifests: ManifestReader,
        stager: Stager,
        store: ObjectStore,
        shelf: Shelf,
        book: AssetBook,
        keeps_ply: bool,
    ) -> None:
        self._desk, self._assets, self._manifests = desk, assets, manifests
        self._stager, self._store, self._shelf = stager, store, shelf
        self._manifests, self._book, self._keeps_ply = manifests, book, keeps_ply
        self._askers: OrderedDict[str, dict[str, Identity]] = OrderedDict()
        self.conversions = Conversions(desk, assets, manifests, store)

    def distrust_inputs(self, record: JobRecord) -> None:
        """Has a photo staged anew for the next job of it: one that failed found what it was given damaged."""
        self._stager.distrust({ref.key for ref in record.job().inputs.values()})

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

    async def convert(self, who: Identity, photo: LibraryPhoto, model: str, wish: Conversion, trace: str) -> Answer:
        """A photo's splat in another format. The raw PLY, where it is gone, is had by making the splat anew.

        Where that would make another splat (the photo has changed, or a better model has come), it is converted from
        the SPZ like every other format, and says so. Raises Problem.
        """
        wish.check()
        entry = await self._splat_there(photo, model)
        if wish == Conversion("ply"):
            manifest = await self._manifests.read(entry.manifest_key)
            if await self._can_be_remade(photo, entry, manifest):
                quality = "light" if find_file(manifest, LIGHT) is not None else "full"
                requested = manifest.requested_model or "auto"
                return await self._make("splat", who, photo, requested, quality, True, trace, with_ply=True)
        return await self.conversions.convert_asset(Asker(who.user_id, trace), photo, entry, wish)

    async def levels(self, who: Identity, photo: LibraryPhoto, model: str, wish: Levels, trace: str) -> Answer:
        """Levels of detail of a photo's splat, or tiles. Raises Problem."""
        wish.check()
        entry = await self._splat_there(photo, model)
        return await self.conversions.levels(Asker(who.user_id, trace), photo, entry, wish)

    async def renewed(self, who: Identity, record: JobRecord) -> dict[str, Any]:
        """The message of a job that is tried again, with inputs that are there now: they may have expired.

        Raises Problem where the photo or the splat is another one by now, and the old one is gone.
        """
        job = record.job()
        if "source" in job.inputs:
            photo = await self._stager.look_up(who, record.photo_id)
            if photo.source_version == job.source_version:
                self._note_asker(record.id, who)
                if record.refusal is not None:
                    self._stager.give_up_original(photo, record.refusal)
                staged = await self._stager.stage(who, photo)
                job.inputs["source"].CopyFrom(staged.ref)
                job.source_note = staged.note
            elif not await self._store.exists(job.inputs["source"].key):
                raise Problem(409, "changed", f"{photo.name} has changed since; ask for it anew")
        if "splat" in job.inputs:
            model_key = str(json_format.MessageToDict(job.params).get("modelKey", ""))
            entry = self._assets.get(record.photo_id, f"splat-{model_key}")
            if entry is None or entry.recipe != job.recipes["splat"] or await self._there(entry) is None:
                raise Problem(409, "changed", "the splat that was to be converted is gone; ask for it anew")
            self.conversions.renew(job, await self._manifests.read(entry.manifest_key))
        return json_format.MessageToDict(job)

    def askers(self, record: JobRecord) -> list[Identity]:
        """Those who asked this gateway for a job lately and want it still, the last one first."""
        asked = self._askers.get(record.id, {})
        return [asked[one] for one in reversed(asked) if one in record.requesters]

    def _note_asker(self, job_id: str, who: Identity) -> None:
        asked = self._askers.setdefault(job_id, {})
        asked.pop(who.user_id, None)
        asked[who.user_id] = who
        self._askers.move_to_end(job_id)
        while len(asked) > _ASKERS_OF_ONE:
            del asked[next(iter(asked))]
        if len(self._askers) > _ASKERS:
            self._askers.popitem(last=False)

    async def _can_be_remade(self, photo: LibraryPhoto, entry: AssetEntry, manifest: Manifest) -> bool:
        """Whether the same splat would come of it again, with the PLY that this one has no more."""
        if find_file(manifest, Conversion("ply")) is not None or self.is_outdated(manifest, photo):
            return False
        if manifest.requested_model in ("", "auto"):
            return not await self._is_surpassed(entry)
        return (
            refusal_to_run(await self._shelf.find(depth_model_of(manifest.requested_model)), self._shelf.settings)
            is None
        )

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
        with_ply: bool = False,
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
        if not is_flat(photo.projection):
            raise NotFlat(photo.projection or "")
        await self._check_model(model)
        self._note_asker(name, who)
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
        keeps_ply = kind == "splat" and (with_ply or self._keeps_ply)
        job.params.update({**shown, **({"keepPly": True} if keeps_ply else {})})
        if accepted := await self._shelf.accepted():
            job.params.update({"accepted": accepted})
        job.recipes[kind] = own_recipe
        if kind == "splat":
            job.recipes["depth"] = recipe("depth", photo.source_version, depth_model_of(model))
        # Who only wants it once more had it a moment ago; all others may ask because something is lost.
        staged = await self._stager.stage(who, photo, trusting=force and not with_ply)
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
        for best in sorted(made, key=rank):
            if model == "auto" and await self._is_surpassed(best):
                return None
            if await self._there(best) is not None:
                return best
        return None

    async def _splat_there(self, photo: LibraryPhoto, model: str) -> AssetEntry:
        """A photo's splat, one that storage has. Raises Problem."""
        while True:
            entry = self.conversions.splat_of(photo, model)
            if await self._there(entry) is not None:
                return entry

    async def _there(self, entry: AssetEntry) -> AssetEntry | None:
        """An asset that storage has; None for one that is lost. While storage is away it is taken to be there."""
        with contextlib.suppress(Unavailable):
            return entry if await self._book.look(entry) else None
        return entry

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
