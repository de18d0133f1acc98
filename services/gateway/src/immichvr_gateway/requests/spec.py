"""A job before anybody has asked for it: what a planner comes to, and all that the queue is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf.message import Message
from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.events.v1.events_pb2 import Grants, Job
from immichvr_catalog import KINDS, VIDEO
from immichvr_common.grants import put_grants
from immichvr_common.sources import Source

from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.jobs.records import FollowUp
from immichvr_gateway.jobs.routing import AWAITED
from immichvr_gateway.library import Identity, LibraryPhoto
from immichvr_gateway.requests.params import put_params

CLIP = "clip"


@dataclass(frozen=True)
class SourceVersion:
    """One version of a source, as work is done on it.

    projection: what the picture is one of, where it is not flat. live: a photo that has a clip. members: of a set, in
    its order. part: CLIP for the clip of a live photo alone.
    """

    source: Source
    version: str
    name: str
    projection: str | None = None
    live: bool = False
    members: tuple[SourceVersion, ...] = ()
    part: str = ""

    @classmethod
    def of_item(cls, item: LibraryPhoto) -> SourceVersion:
        """A photo or video as the library has it."""
        return cls(item.source, item.source_version, item.name, item.projection, item.live)

    @property
    def clip(self) -> SourceVersion:
        """Of a live photo, its clip."""
        return replace(self, part=CLIP)

    @property
    def media(self) -> str:
        """Which kind of file it is: a photo's or a video's."""
        return VIDEO if self.part == CLIP else self.source.kind


@dataclass(frozen=True)
class Requester:
    """Who asks, and the trace of the request. identity: with what the library is asked; None where nobody is there.

    job_class: whether they wait for it. origin: what asks in their name, such as a batch; empty where they do
    themselves.
    """

    user_id: str
    trace: str = ""
    identity: Identity | None = None
    job_class: str = AWAITED
    origin: str = ""


@dataclass(frozen=True)
class JobSpec:
    """A job and what would answer it without any work.

    service: who does it, where its kind alone does not say. params: its service's …Params. shown: what people see of
    them. recipes: by kind of asset. inputs: by role, but for the source itself, which is staged where `stages_source`
    says so; trusts_staged: though nobody looked just now whether it is there still. stages: what else is staged, by
    role. carried: what the request brought itself, by role, as JSON. made_of: where `of` is a scene that begins to
    exist, what it is made of. then: what follows from it.
    existing: assets that answer it, the best first; is_seen: they were looked at. begins_anew: it goes on with nothing
    that an earlier wish has left. refusal: why it may not be made now; what exists answers all the same.
    """

    kind: str
    id: str
    params: Message
    shown: Mapping[str, Any]
    service: str = ""
    grants: Grants = field(default_factory=Grants)
    of: SourceVersion | None = None
    recipes: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, ObjectRef] = field(default_factory=dict)
    stages_source: bool = False
    trusts_staged: bool = False
    stages: Mapping[str, SourceVersion] = field(default_factory=dict)
    carried: Mapping[str, bytes] = field(default_factory=dict)
    made_of: Source | None = None
    then: tuple[FollowUp, ...] = ()
    existing: tuple[AssetEntry, ...] = ()
    is_seen: bool = False
    begins_anew: bool = False
    refusal: Exception | None = None

    @property
    def staging(self) -> Mapping[str, SourceVersion]:
        """All that is staged for it, by role."""
        own = {"source": self.of} if self.stages_source and self.of is not None else {}
        return {**own, **self.stages}

    @property
    def needs_room(self) -> bool:
        """Whether it leaves something in storage."""
        return bool(KINDS[self.kind].assets)

    def job(self, bucket: str, trace: str) -> Job:
        """The message of its first run, created now."""
        job = Job(id=self.id, kind=self.kind, run=1, bucket=bucket, traceparent=trace)
        if self.of is not None:
            self.of.source.put(job)
            job.source_version, job.source_name = self.of.version, self.of.name
        put_params(job, self.params)
        put_grants(job, self.grants)
        for kind, recipe in self.recipes.items():
            job.recipes[kind] = recipe
        for role, ref in self.inputs.items():
            job.inputs[role].CopyFrom(ref)
        job.deadline_s = KINDS[self.kind].own_deadline_s
        job.created_at.GetCurrentTime()
        if self.begins_anew:
            job.asked_at.CopyFrom(job.created_at)
        return job
