"""What a worker says it made: believed once its manifest reads, is the job's, and names files that are there."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.converter.v1.converter_pb2 import ConvertParams, LodParams
from immichvr.events.v1.events_pb2 import AssetEvent, Job, JobEvent, Output
from immichvr_catalog import ASSETS, KINDS, assets_of
from immichvr_common.bus.subjects import Told
from immichvr_common.errors import NotFound, ServiceError, Unavailable
from immichvr_common.manifests import AssetFile, Manifest, asset_prefix, manifest_key
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore

from immichvr_gateway.assets.index import ManifestReader
from immichvr_gateway.requests.params import read_params
from immichvr_gateway.upkeep.aside import Refused

_REMEMBERED = 20_000
_TRIES = 3
_ONE_BY_ONE = 8


class Results:
    """Looks whether results are there. Raises Unavailable while storage as a whole does not answer."""

    def __init__(self, store: ObjectStore, manifests: ManifestReader) -> None:
        self._store, self._manifests = store, manifests
        # Files that were seen, with their sizes: an asset is added to many times, and each time told anew.
        self._seen: OrderedDict[str, int] = OrderedDict()
        # Manifests that were read after what tells of them had been stored.
        self._fresh: frozenset[str] = frozenset()

    async def look_ahead(self, events: list[AssetEvent]) -> None:
        """Reads what a batch of events tells of, all at once; one after another they would wait for storage."""
        outputs = {event.output.manifest.key: event.output for event in events}
        for key in outputs:
            self._manifests.forget(key)
        found = await asyncio.gather(*(self._manifest(one) for one in outputs.values()), return_exceptions=True)
        self._fresh = frozenset(one.key for one in found if isinstance(one, Manifest))

    async def asset(self, told: Told, event: AssetEvent) -> Manifest:
        """The manifest of an asset that a service told of. Raises Refused where there is no such asset."""
        output = event.output
        source = Source.of(event)
        if source is None or source.id != told.about:
            raise Refused("misplaced", f"an asset of {str(source)[:150]} was told under {told.about[:100]!r}")
        if told.by is not None and output.kind not in assets_of(told.by):
            raise Refused("not_its_own", f"{told.by} makes no assets of kind {output.kind[:50]!r}")
        if output.manifest.key not in self._fresh:
            self._manifests.forget(output.manifest.key)
        manifest = await self._manifest(output)
        if manifest.source != source:
            raise Refused("unproven", f"{manifest.key} is of {manifest.source}, not of {source}")
        return manifest

    async def missing(self, job: Job, event: JobEvent) -> str | None:
        """What is not there of the result that a job ended with; None where all is."""
        made = KINDS[job.kind].asset if job.kind in KINDS else ""
        if not made:
            event.ClearField("outputs")
            return None
        if not any(output.kind == made for output in event.outputs):
            return f"it names no {made}"
        try:
            for output in event.outputs:
                manifest = await self._of_job(job, event, output)
                if output.kind == made and (problem := _lacks(job, event, manifest)) is not None:
                    return problem
        except Refused as error:
            return str(error)
        return None

    async def _of_job(self, job: Job, event: JobEvent, output: Output) -> Manifest:
        recipe, model_key = job.recipes.get(output.kind, ""), _model_of(output)
        if not recipe or output.kind not in ASSETS or output.asset_key != f"{output.kind}-{model_key}":
            raise Refused("unproven", f"it makes no {output.asset_key[:100]!r}")
        source = Source.of(job)
        if source is None or output.manifest.key != manifest_key(output.kind, source, model_key, recipe):
            raise Refused("unproven", f"{output.manifest.key[:200]!r} is not where its {output.kind} would lie")
        manifest = await self._manifest(output)
        if manifest.job_id == job.id and manifest.run < event.run and not _adds(job):
            # What was kept may be older than what was just told of.
            self._manifests.forget(manifest.key)
            manifest = await self._manifest(output)
        if manifest.source != source:
            raise Refused("unproven", f"{manifest.key} is of {manifest.source}, not of {source}")
        return manifest

    async def _manifest(self, output: Output) -> Manifest:
        """A manifest that reads, is where it says, and whose files are there. Raises Refused."""
        key = output.manifest.key
        if output.manifest.bucket != self._store.bucket or not key.startswith(
            tuple(f"{one.root}/" for one in ASSETS.values())
        ):
            raise Refused("unproven", f"{key[:200]!r} is not where assets lie")
        for attempt in range(_TRIES):
            try:
                manifest = await self._read(output)
                told = (key, output.asset_key, _model_of(output), output.recipe or manifest.recipe)
                found = (manifest.key, manifest.asset_key, manifest.model_key, manifest.recipe)
                if found != told:
                    raise Refused("unproven", f"the manifest at {key} is of another asset, {manifest.asset_key[:200]}")
                await self._check_files(manifest)
                return manifest
            except NotFound as error:
                raise Refused("unproven", error.message) from error
            except Unavailable as error:
                # One object that cannot be read must not keep all events waiting; storage that is away must.
                await self._store.ping()
                if attempt == _TRIES - 1:
                    raise Refused("unproven", error.message) from error
                await asyncio.sleep(0.2)
            except ServiceError as error:
                raise Refused("unproven", error.message) from error
        raise AssertionError("unreachable")

    async def _read(self, output: Output) -> Manifest:
        """The manifest, while the files are looked for that an event names; it alone says what they should be.

        A hint: what is not there is found out, and told, once the manifest has named it. Raises as reading it does.
        """
        key = output.manifest.key
        folder = key.rpartition("/")[0] + "/"
        hinted = [ref for ref in output.files if ref.key.startswith(folder) and self._seen.get(ref.key) != ref.size]
        if not hinted:
            return await self._manifests.read(key)
        manifest, _ = await asyncio.gather(self._manifests.read(key), self._glance(hinted))
        return manifest

    async def _glance(self, hinted: Sequence[ObjectRef]) -> None:
        found = await asyncio.gather(
            *(self._store.size(ref.key) for ref in hinted[:_ONE_BY_ONE]), return_exceptions=True
        )
        for ref, size in zip(hinted, found, strict=False):
            if size == ref.size:
                self._remember(ref.key, ref.size)

    async def _check_files(self, manifest: Manifest) -> None:
        prefix = f"{asset_prefix(manifest.kind, manifest.source, manifest.model_key, manifest.recipe)}/"
        strayed = next((file.key for file in manifest.files if not file.key.startswith(prefix)), None)
        if strayed is not None:
            raise Refused("unproven", f"the manifest names {strayed[:200]!r}, which is no file of the asset")
        unseen = [file for file in manifest.files if self._seen.get(file.key) != file.size]
        if len(unseen) > _ONE_BY_ONE:
            sizes = await self._store.list_sizes(prefix)
        else:
            found = await asyncio.gather(*(self._store.size(file.key) for file in unseen))
            sizes = {file.key: size for file, size in zip(unseen, found, strict=True)}
        for file in unseen:
            self._check_file(file, sizes.get(file.key))

    def _check_file(self, file: AssetFile, size: int | None) -> None:
        if size != file.size:
            there_is = "is not there" if size is None else f"has {size} bytes, not {file.size}"
            raise Refused("unproven", f"{file.key} {there_is}")
        self._remember(file.key, file.size)

    def _remember(self, key: str, size: int) -> None:
        self._seen[key] = size
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)


def _model_of(output: Output) -> str:
    """What made it; events of the first release say so in the asset's key alone."""
    return output.model_key or output.asset_key.removeprefix(f"{output.kind}-")


def _adds(job: Job) -> bool:
    """Whether a job adds files to an asset that another made."""
    return job.kind in KINDS and bool(KINDS[job.kind].extends)


def _lacks(job: Job, event: JobEvent, manifest: Manifest) -> str | None:
    """What the asset itself does not have of what the job was to make, as far as its parameters are known here."""
    if not _adds(job):
        if manifest.job_id == job.id and manifest.run < event.run:
            return f"{manifest.key} is what run {manifest.run} made"
        return None
    if job.kind == "convert":
        convert = read_params(job, ConvertParams())
        wanted = (convert.to_format, convert.label or convert.variant)
        there = any((file.format, file.variant) == wanted for file in manifest.files)
        return None if there else f"{manifest.key} names no file {wanted[0]}, {wanted[1]}"
    if job.kind == "lod":
        role = "tiles" if read_params(job, LodParams()).HasField("tile_gaussians") else "levels"
        return None if any(file.role == role for file in manifest.files) else f"{manifest.key} names no {role}"
    return None
