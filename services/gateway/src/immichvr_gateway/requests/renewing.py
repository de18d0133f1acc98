"""Jobs that are tried again: with inputs that are there now, as what they had may have expired."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format
from immichvr.converter.v1.converter_pb2 import ConvertParams
from immichvr.events.v1.events_pb2 import Job
from immichvr.inpaint.v1.inpaint_pb2 import DatasetParams, InpaintParams
from immichvr.videodepth.v1.videodepth_pb2 import StereoParams
from immichvr_catalog import DEPTH_VIDEO, SCENE, SPLAT
from immichvr_common.errors import CorruptObject
from immichvr_common.grants import grants_of, put_grants
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore

from immichvr_gateway.assets.index import AssetIndex, ManifestReader
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.askers import Askers
from immichvr_gateway.jobs.records import JobRecord, is_staged
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.library import Identity
from immichvr_gateway.requests.conversion import best_input, reference
from immichvr_gateway.requests.dataset import DATASET, dataset_inputs
from immichvr_gateway.requests.inpaint import INPAINT, inpaint_inputs
from immichvr_gateway.requests.params import put_params, read_params
from immichvr_gateway.requests.spec import CLIP, SourceVersion
from immichvr_gateway.requests.staging import STAGED, Stager, carried_by, is_staged_as, joined_notes
from immichvr_gateway.requests.stereo import STEREO, depth_of
from immichvr_gateway.sources.composites import Composites


class Renewal:
    """Renews what a job is made from."""

    def __init__(
        self, jobs: JobService, stager: Stager, store: ObjectStore, assets: AssetIndex, manifests: ManifestReader,
        composites: Composites,
    ) -> None:  # fmt: skip
        self._composites = composites
        self._jobs, self._stager, self._store, self._assets, self._manifests = jobs, stager, store, assets, manifests

    @property
    def askers(self) -> Askers:
        """Who asked lately."""
        return self._jobs.askers

    async def renewed(self, who: Identity, record: JobRecord) -> dict[str, Any]:
        """The message of a job that is tried again.

        Raises Problem where the photo, video or splat is another one by now, and the old one is gone.
        """
        job, source = record.job(), record.source
        if source is not None and is_staged(record):
            item = SourceVersion.of_item(await self._stager.look_up(who, source))
            if item.version == job.source_version:
                self._jobs.askers.note(record.id, who)
                if record.refusal is not None:
                    self._stager.give_up_original(item, record.refusal)
                staged = await self._stager.stage(who, item)
                job.inputs["source"].CopyFrom(staged.ref)
                job.source_note = staged.note
            elif not await self._store.exists(job.inputs["source"].key):
                raise Problem(409, "changed", f"{item.name} has changed since; ask for it anew")
        if source is not None and source.kind == SCENE:
            await self._stage_members(who, record, source, job)
        if source is not None and record.kind in (DATASET, INPAINT):
            await self._renew_scene(record, source, job)
        elif source is not None and SPLAT in job.inputs:
            model_key = read_params(job, ConvertParams()).model_key
            entry = self._assets.get(source, f"{SPLAT}-{model_key}")
            if entry is None or entry.recipe != job.recipes[SPLAT] or not await self._jobs.is_there(entry):
                raise Problem(409, "changed", "the splat that was to be converted is gone; ask for it anew")
            file = best_input(await self._manifests.read(entry.manifest_key))
            put_params(job, ConvertParams(from_format=file.format))
            job.inputs[SPLAT].CopyFrom(reference(self._store.bucket, file))
        if source is not None and record.kind == STEREO:
            model_key = read_params(job, StereoParams()).model_key
            entry = self._assets.get(source, f"{DEPTH_VIDEO}-{model_key}")
            if entry is None or entry.recipe != job.recipes[DEPTH_VIDEO] or not await self._jobs.is_there(entry):
                raise Problem(409, "changed", "the depth that stereo was to be made of is gone; ask for it anew")
            inputs = depth_of(self._store.bucket, await self._manifests.read(entry.manifest_key))
            for role, ref in inputs.items():
                job.inputs[role].CopyFrom(ref)
        return json_format.MessageToDict(job)

    async def _stage_members(self, who: Identity, record: JobRecord, scene: Source, job: Job) -> None:
        """Stages anew what a scene is made of, where that was staged for the job."""
        carried = [ref.key for ref in job.inputs.values() if ref.key.startswith(carried_by(scene))]
        if carried and not await self._store.exists(carried[0]):
            raise Problem(409, "changed", "the cameras that were given are kept no longer; ask for the scene anew")
        staged_keys = {role: ref.key for role, ref in job.inputs.items() if ref.key.startswith(STAGED)}
        roles = sorted(role for role, key in staged_keys.items() if key not in carried)
        leaves = await self._composites.leaves(scene) or () if roles else ()
        notes = []
        for place, role in enumerate(roles):
            leaf = leaves[min(place, len(leaves) - 1)]
            item = SourceVersion.of_item(await self._stager.look_up(who, leaf))
            of = item.clip if role == CLIP else item
            if is_staged_as(job.inputs[role].key, of):
                self._jobs.askers.note(record.id, who)
                if record.refusal is not None and role in record.undecoded:
                    self._stager.give_up_original(of, record.refusal)
                staged = await self._stager.stage(who, of)
                job.inputs[role].CopyFrom(staged.ref)
                notes.append((of.name, staged.note))
            elif not await self._store.exists(job.inputs[role].key):
                raise Problem(409, "changed", f"{item.name} has changed since; ask for the scene anew")
        if notes:
            job.source_note = joined_notes(notes)
        if record.undecoded:
            _leave_out_the_rest(job)

    async def _renew_scene(self, record: JobRecord, source: Source, job: Job) -> None:
        """Gives a job about a scene's splat the files that this has now, which have to be those that it had."""
        model_key = read_params(job, InpaintParams() if record.kind == INPAINT else DatasetParams()).model_key
        entry = self._assets.get(source, f"{SPLAT}-{model_key}")
        if entry is None or not await self._jobs.is_there(entry):
            raise Problem(409, "changed", "the scene that this was asked for is gone; make it anew first")
        find = inpaint_inputs if record.kind == INPAINT else dataset_inputs
        inputs = find(self._store.bucket, await self._manifests.read(entry.manifest_key))
        if inputs[SPLAT].sha256 != job.inputs[SPLAT].sha256:
            raise Problem(409, "changed", "the scene that this was asked for was made anew; ask for it anew")
        for role, ref in inputs.items():
            job.inputs[role].CopyFrom(ref)

    def on_change(self, record: JobRecord) -> None:
        """Listens to jobs: what one found damaged is staged anew for the next."""
        if record.has_failed_with(CorruptObject.code):
            self._stager.distrust({ref.key for ref in record.job().inputs.values()})


def _leave_out_the_rest(job: Job) -> None:
    """Has photos be left out that cannot be decoded still: whatever there was has stood in for them."""
    grants = grants_of(job)
    grants.stand_ins = False
    job.params.fields.pop("standIns", None)
    put_grants(job, grants)
