"""What can be made of a splat that exists: other formats, the light variant, levels of detail, tiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.events.v1.events_pb2 import Job
from immichvr_common.assets import is_of_job
from immichvr_common.manifests import AssetFile, Manifest
from immichvr_common.storage import ObjectStore
from immichvr_models import registry

from immichvr_gateway.assets import AssetEntry, AssetIndex, ManifestReader
from immichvr_gateway.jobs.desk import Desk
from immichvr_gateway.jobs.records import Answer, JobProgress, JobRecord, State, new_record
from immichvr_gateway.library import LibraryPhoto
from immichvr_gateway.problems import Problem, not_accepted, not_found
from immichvr_gateway.recipes import conversion_hash, job_id

Value = int | str

_DEGREES: tuple[Value, ...] = (0, 1, 2, 3)
_ORDERS: tuple[Value, ...] = ("file", "morton")
FORMATS: dict[str, dict[str, tuple[Value, ...]]] = {
    "ply": {"sh_degree": _DEGREES, "ply_layout": ("plain", "inria", "sharp")},
    "compressed-ply": {"sh_degree": _DEGREES, "order": _ORDERS},
    "splat": {"sh_degree": _DEGREES, "order": ("file", "importance")},
    "ksplat": {"ksplat_level": (0, 1, 2), "sh_degree": _DEGREES},
    "spz": {"spz_version": (2, 3, 4), "sh_degree": _DEGREES, "frame": ("rdf", "rub"), "order": _ORDERS},
    "sog": {"sh_degree": _DEGREES, "order": _ORDERS},
    "glb": {"sh_degree": _DEGREES, "glb_encoding": ("float", "quantised", "spz")},
}
"""What a splat can be converted to, and the options of each format: all that the splat library writes, named here so
that it need not be imported."""
LEVELS = ("preview", "medium", "full")
_LIGHT, _FULL = "light", "full"
_MODELS = tuple(key for model in registry for key in model.splat_keys)


@dataclass(frozen=True)
class Conversion:
    """One file that is wanted of a splat.

    variant: `full` or `light`. options: of the format, by name. lod_count: at most so many Gaussians, all where None.
    """

    format: str
    variant: str = _FULL
    options: Mapping[str, Value] = field(default_factory=dict)
    lod_count: int | None = None

    @property
    def label(self) -> str:
        """What the file is among those of its format; options and counts make a file of its own."""
        parts = [f"lod-{self.lod_count}"] if self.lod_count is not None else []
        parts += [f"{name.replace('_', '-')}-{value}" for name, value in sorted(self.options.items())]
        return ".".join(parts) or self.variant

    def check(self) -> None:
        """Raises Problem, naming what there is."""
        if self.format not in FORMATS:
            raise not_accepted("format", self.format, list(FORMATS))
        there_is = FORMATS[self.format]
        for name, value in self.options.items():
            if name not in there_is:
                raise not_accepted("option", name, list(there_is))
            if value not in there_is[name]:
                raise not_accepted(name, str(value), [str(one) for one in there_is[name]])


LIGHT = Conversion("spz", _LIGHT)
"""The light variant."""


@dataclass(frozen=True)
class Levels:
    """Levels of detail that are wanted of a splat, or tiles of at most `tile_gaussians` each."""

    format: str = "spz"
    levels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    tile_gaussians: int | None = None

    def check(self) -> None:
        """Raises Problem, naming what there is."""
        if self.format not in FORMATS:
            raise not_accepted("format", self.format, list(FORMATS))
        for level in self.levels:
            if level not in LEVELS:
                raise not_accepted("level", level, list(LEVELS))
        if self.tile_gaussians is not None and (self.levels or self.counts):
            raise Problem(422, "invalid_request", "levels and tiles are made one at a time: ask for either")

    @property
    def label(self) -> str:
        """What tells one such wish from another."""
        wanted = sorted({*self.levels, *map(str, self.counts)}) or list(LEVELS)
        return f"tiles-{self.tile_gaussians}" if self.tile_gaussians is not None else f"levels-{','.join(wanted)}"

    @property
    def index_role(self) -> str:
        """Role of the file that lists what was made."""
        return "levels" if self.tile_gaussians is None else "tiles"

    def params(self) -> dict[str, Any]:
        """LodParams, but for the model."""
        if self.tile_gaussians is not None:
            return {"toFormat": self.format, "tileGaussians": self.tile_gaussians}
        return {"toFormat": self.format, "levels": list(self.levels), "counts": list(self.counts)}


@dataclass(frozen=True)
class Asker:
    """Who asks, and the trace of the request."""

    user_id: str
    trace: str


class Conversions:
    """Turns wishes for files of a splat into jobs, or into what already exists."""

    def __init__(self, desk: Desk, assets: AssetIndex, manifests: ManifestReader, store: ObjectStore) -> None:
        self._desk, self._assets, self._manifests, self._store = desk, assets, manifests, store

    async def lighten(self, asker: Asker, photo: LibraryPhoto, entry: AssetEntry) -> Answer:
        """The light variant of a splat."""
        return await self.convert_asset(asker, photo, entry, LIGHT)

    async def has_light(self, entry: AssetEntry) -> bool:
        """Whether the light variant of a splat exists."""
        return find_file(await self._manifests.read(entry.manifest_key), LIGHT) is not None

    async def levels(self, asker: Asker, photo: LibraryPhoto, entry: AssetEntry, wish: Levels) -> Answer:
        """Levels of detail of a splat, or tiles; `wish` was checked."""
        name = job_id("lod", photo.id, conversion_hash(entry.recipe, entry.model_key, wish.format, wish.label))
        manifest = await self._manifests.read(entry.manifest_key)
        known = self._desk.index.get(name)
        # There is one index of each role: the latest. What it says is an answer to who asked for it alone.
        stands = any(file.role == wish.index_role and is_of_job(file, name) for file in manifest.files)
        if known is not None and known.state is State.SUCCEEDED and stands:
            return Answer(await self._desk.answer(known, asker.user_id), done=True)
        shown = {"format": wish.format, "model": entry.model_key, "label": wish.label}
        return await self._ask("lod", name, asker, photo, entry, manifest, shown, wish.params())

    async def convert_asset(self, asker: Asker, photo: LibraryPhoto, entry: AssetEntry, wish: Conversion) -> Answer:
        """One file of an asset; `wish` was checked."""
        name = job_id("convert", photo.id, conversion_hash(entry.recipe, entry.model_key, wish.format, wish.label))
        manifest = await self._manifests.read(entry.manifest_key)
        shown: dict[str, Any] = {"format": wish.format, "variant": wish.label, "model": entry.model_key}
        if find_file(manifest, wish) is not None:
            at = datetime.now(UTC)
            done = JobRecord(
                id=name, kind="convert", photo_id=photo.id, requesters=[asker.user_id], params=shown,
                state=State.SUCCEEDED, outputs=[entry.asset_key], created_at=at, updated_at=at,
                progress=JobProgress(fraction=1, stage="stored"),
            )  # fmt: skip
            return Answer(await self._desk.answer(done, asker.user_id), done=True)
        params: dict[str, Any] = {"toFormat": wish.format, "variant": wish.variant, **_spelled(wish.options)}
        if wish.label != wish.variant:
            params["label"] = wish.label
        if wish.lod_count is not None:
            params["lodCount"] = wish.lod_count
        return await self._ask("convert", name, asker, photo, entry, manifest, shown, params)

    async def _ask(
        self, kind: str, name: str, asker: Asker, photo: LibraryPhoto, entry: AssetEntry, manifest: Manifest,
        shown: dict[str, Any], params: dict[str, Any],
    ) -> Answer:  # fmt: skip
        ended_run = self._desk.ended_run(name)
        self._desk.require_room()
        job = Job(
            id=name, kind=kind, photo_id=photo.id, run=1, bucket=self._store.bucket,
            source_version=photo.source_version, source_name=photo.name, traceparent=asker.trace,
        )  # fmt: skip
        job.params.update({**params, "modelKey": entry.model_key})
        self.renew(job, manifest)
        job.recipes["splat"] = entry.recipe
        job.created_at.GetCurrentTime()
        record = new_record(job, self._desk.subject(kind, name), asker.user_id, shown)
        return Answer(await self._desk.submit(record, asker.user_id, ended_run), done=False)

    def renew(self, job: Job, manifest: Manifest) -> None:
        """Has a conversion start from the best file that a splat has now: its raw PLY, or else its SPZ."""
        source = find_file(manifest, Conversion("ply")) or find_file(manifest, Conversion("spz"))
        if source is None:
            raise Problem(409, "nothing_to_convert", f"asset {manifest.asset_key} holds no splat file to convert")
        job.params.update({"fromFormat": source.format})
        job.inputs["splat"].CopyFrom(_reference(self._store.bucket, source))

    def splat_of(self, photo: LibraryPhoto, model: str) -> AssetEntry:
        """The splat of that model, the best where it is `auto`. Raises Problem."""
        splats = [entry for entry in self._assets.of_photo(photo.id) if entry.kind == "splat"]
        if model != "auto":
            there_are = [entry.model_key for entry in splats]
            if model not in (*_MODELS, *there_are):
                raise not_accepted("model", model, ["auto", *there_are])
            splats = [entry for entry in splats if entry.model_key == model]
            if not splats:
                there = f"; there are: {', '.join(there_are)}" if there_are else ""
                raise not_found(f"photo {photo.id} has no splat by {model} yet{there}")
        if not splats:
            raise not_found(f"photo {photo.id} has no splat yet; make one first")
        return splats[0]


def find_file(manifest: Manifest, wish: Conversion) -> AssetFile | None:
    """The file that a conversion makes, or that was there from the start."""
    wanted = (file for file in manifest.files if file.role in ("splat", "conversion", "level"))
    return next((file for file in wanted if (file.format, file.variant) == (wish.format, wish.label)), None)


def _spelled(options: Mapping[str, Value]) -> dict[str, Value]:
    """Options as ConvertParams spells them in JSON."""
    return {name.split("_")[0] + "".join(map(str.title, name.split("_")[1:])): one for name, one in options.items()}


def _reference(bucket: str, file: AssetFile) -> ObjectRef:
    return ObjectRef(
        bucket=bucket, key=file.key, size=file.size, sha256=file.sha256, media_type=file.media_type
    )  # fmt: skip
