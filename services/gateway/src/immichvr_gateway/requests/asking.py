"""From a request to the job that answers it: what its planner may look at is gathered, and the job is seen to."""

from __future__ import annotations

from dataclasses import replace

from immichvr_catalog import DEPTH, KINDS, MOTION, POINTS, SPLAT
from immichvr_common.errors import NotFound
from immichvr_common.manifests import manifest_key

from immichvr_gateway.assets.index import AssetEntry, AssetIndex, ManifestReader, entry_of
from immichvr_gateway.jobs.records import Answer, FollowUp, JobRecord
from immichvr_gateway.jobs.routing import class_of
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.models.catalog import ModelCatalog
from immichvr_gateway.requests.conversion import CONVERT, VariantRequest
from immichvr_gateway.requests.dataset import DATASET, DatasetRequest
from immichvr_gateway.requests.depth import DepthRequest
from immichvr_gateway.requests.extending import choose
from immichvr_gateway.requests.inpaint import INPAINT, InpaintRequest
from immichvr_gateway.requests.levels import LOD, LevelsRequest
from immichvr_gateway.requests.motion import MotionRequest
from immichvr_gateway.requests.planning import JobRequest, Known, Planners
from immichvr_gateway.requests.reconstruct import RECONSTRUCT, PointsRequest, ReconstructRequest
from immichvr_gateway.requests.spec import Requester, SourceVersion
from immichvr_gateway.requests.splat import SplatRequest
from immichvr_gateway.requests.stereo import STEREO, StereoRequest
from immichvr_gateway.requests.video_depth import VIDEO_DEPTH, VideoDepthRequest
from immichvr_gateway.sources.composites import Composites

PLANNERS = Planners(
    {
        DEPTH: DepthRequest, SPLAT: SplatRequest, CONVERT: VariantRequest, LOD: LevelsRequest,
        VIDEO_DEPTH: VideoDepthRequest, STEREO: StereoRequest, MOTION: MotionRequest,
        RECONSTRUCT: ReconstructRequest, POINTS: PointsRequest, DATASET: DatasetRequest, INPAINT: InpaintRequest,
    }
)  # fmt: skip


class JobRequests:
    """Has requests planned, and answered by a job.

    keeps_ply: whether splats get their raw PLY too. sends_to: the service elsewhere that people are told of, if any.
    has_stand_ins: as Known has it.
    """

    def __init__(
        self, jobs: JobService, assets: AssetIndex, manifests: ManifestReader, models: ModelCatalog,
        composites: Composites, bucket: str, keeps_ply: bool, sends_to: str = "",
        has_stand_ins: bool = False,
    ) -> None:  # fmt: skip
        self._composites = composites
        self._jobs, self._assets, self._manifests, self._models = jobs, assets, manifests, models
        self._bucket, self._keeps_ply, self._sends_to, self._has_stand_ins = bucket, keeps_ply, sends_to, has_stand_ins

    async def ask(self, kind: str, request: JobRequest, of: SourceVersion, who: Requester) -> Answer:
        """The job that answers a request. Raises Problem, Unavailable, StorageFull, library errors."""
        request.check()
        known = await self._known(request, request.about(of))
        if known.of is not of:
            known = replace(known, made_of=of)
        if extends := KINDS[kind].extends:
            known = await self._extending(known, await self._there(known, extends, request.extends_model))
        if request.uses:
            known = await self._using(known, request)
        spec = request.plan(known)
        if spec.made_of is not None and spec.refusal is None:
            await self._composites.add_scene(spec.made_of, spec.recipes[KINDS[kind].asset])
        answer = await self._jobs.ensure(spec, who)
        if answer.asset is None:
            return answer
        for follow_up in spec.then:
            following = await self._follow(follow_up, known, answer.asset, who)
            if not following.done:
                return following
        return answer

    async def follow(self, record: JobRecord, follow_up: FollowUp) -> Answer:
        """The job that makes what follows from a job that has done its work; `done` where it exists.

        Raises NotFound where that made nothing that could be added to, Unavailable, Problem.
        """
        job, source = record.job(), record.source
        if source is None:
            raise NotFound(f"job {record.id} is of no source")
        of = SourceVersion(source, job.source_version, job.source_name)
        request = PLANNERS.find(follow_up.kind).model_validate(follow_up.request)
        user_id = record.requesters[0] if record.requesters else ""
        requester = Requester(user_id, job.traceparent, job_class=class_of(record.subject))
        known = replace(await self._known(request, of), staged=job.inputs.get("source"))
        return await self._follow(follow_up, known, await self._made(record, KINDS[follow_up.kind].extends), requester)

    async def _follow(self, follow_up: FollowUp, known: Known, made: AssetEntry, who: Requester) -> Answer:
        request = PLANNERS.find(follow_up.kind).model_validate(follow_up.request)
        spec = request.plan(await self._extending(known, made))
        return await self._jobs.ensure(spec, who)

    async def _known(self, request: JobRequest, of: SourceVersion) -> Known:
        models = await self._models.statuses() if request.needs_models else {}
        return Known(
            of=of, assets=self._assets.of(of.source), models=models, model_settings=self._models.settings,
            bucket=self._bucket, keeps_ply=self._keeps_ply, sends_to=self._sends_to,
            has_stand_ins=self._has_stand_ins,
        )  # fmt: skip

    async def _extending(self, known: Known, entry: AssetEntry) -> Known:
        return replace(known, extended=entry, manifest=await self._manifests.read(entry.manifest_key))

    async def _using(self, known: Known, request: JobRequest) -> Known:
        """With the best asset of its kind that storage has and that is of the source as it is now."""
        for entry in (one for one in known.assets if one.kind == request.uses and request.may_use(one)):
            if await self._jobs.is_there(entry):
                manifest = await self._manifests.read(entry.manifest_key)
                if manifest.source_version == known.of.version:
                    return replace(known, used=manifest)
        return known

    async def _there(self, known: Known, kind: str, model: str) -> AssetEntry:
        """The asset to add to, one that storage has. Raises Problem."""
        while True:
            entry = choose(known, kind, model)
            if await self._jobs.is_there(entry):
                return entry
            known = replace(known, assets=self._assets.of(known.of.source))

    async def _made(self, record: JobRecord, kind: str) -> AssetEntry:
        """The asset that a job made, from its own manifest where the index knows of another, or of none."""
        key = next((key for key in record.outputs if key.startswith(f"{kind}-")), None)
        if key is None or record.source is None:
            raise NotFound(f"job {record.id} made no {kind}")
        recipe = record.job().recipes[kind]
        entry = self._assets.get(record.source, key)
        if entry is not None and entry.recipe == recipe:
            return entry
        at = manifest_key(kind, record.source, key.removeprefix(f"{kind}-"), recipe)
        return entry_of(await self._manifests.read(at))
