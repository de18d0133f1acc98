"""What every planner has in common: what it may look at, and the table in which it is found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.events.v1.events_pb2 import Grants
from immichvr_common.manifests import Manifest
from immichvr_models import CacheSettings
from pydantic import BaseModel, ConfigDict

from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.http.problems import not_accepted
from immichvr_gateway.models.catalog import ModelStatus
from immichvr_gateway.requests.spec import JobSpec, SourceVersion

GROUP = "immichvr.planners"
"""Entry points of this group are planners of other distributions, each under its kind of job."""


@dataclass(frozen=True)
class Known:
    """What a planner may look at; nothing of it changes meanwhile, and there is nothing else.

    assets: of the source, the best first. models: as they stand, by key. extended, manifest: the asset to which files
    are added, where the kind is one that extends. used: the
    asset that is made use of. staged: the
    source, where what this follows from had it. keeps_ply: whether splats get their raw PLY too. made_of: what was
    asked about, where `of` is a scene that is to be made of it. sends_to: the service elsewhere that scenes may be
    trained at; empty where nothing is ever sent. has_stand_ins: whether the library has pictures of its own for photos
    that cannot be decoded.
    """

    of: SourceVersion
    assets: Sequence[AssetEntry]
    models: Mapping[str, ModelStatus]
    model_settings: CacheSettings
    bucket: str
    keeps_ply: bool
    sends_to: str = ""
    has_stand_ins: bool = False
    extended: AssetEntry | None = None
    staged: ObjectRef | None = None
    manifest: Manifest | None = None
    used: Manifest | None = None
    made_of: SourceVersion | None = None

    @property
    def accepted(self) -> list[str]:
        """The models whose licences have been accepted."""
        return sorted(key for key, found in self.models.items() if found.accepted)

    def extended_asset(self) -> tuple[AssetEntry, Manifest]:
        """The asset to which files are added. Raises LookupError where the kind extends none."""
        if self.extended is None or self.manifest is None:
            raise LookupError("a job that extends an asset is planned with it: say in the catalogue what it extends")
        return self.extended, self.manifest

    def grants(self, keep_ply: bool = False) -> Grants:
        """What every job may do."""
        return Grants(accepted=self.accepted, keep_ply=keep_ply)


class JobRequest(BaseModel):
    """What somebody asks for. Its planner is the one method: nothing is read or written, and it may be asked again."""

    model_config = ConfigDict(extra="forbid")

    @property
    def extends_model(self) -> str:
        """By which model the asset was made to which files are added; `auto` for the best."""
        return "auto"

    @property
    def uses(self) -> str:
        """Of which kind of asset the best that the source has is used, where it has one; empty for none."""
        return ""

    def may_use(self, entry: AssetEntry) -> bool:
        """Whether that is one of those that may be used."""
        return True

    def about(self, of: SourceVersion) -> SourceVersion:
        """What is made something of: what was asked about, or a scene that is to be made of that."""
        return of

    @property
    def needs_models(self) -> bool:
        """Whether how models stand counts for it."""
        return True

    def check(self) -> None:
        """Raises Problem for what can be told without looking at anything: nothing is searched for that cannot be."""

    def plan(self, known: Known) -> JobSpec:
        """The job that it takes. Raises Problem for what there is not, naming what there is."""
        raise NotImplementedError


class Planners(Mapping[str, type[JobRequest]]):
    """Planners by kind of job."""

    def __init__(self, own: Mapping[str, type[JobRequest]]) -> None:
        self._own = dict(own)
        self._known: dict[str, type[JobRequest]] | None = None

    def __getitem__(self, kind: str) -> type[JobRequest]:
        return self._all()[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def find(self, kind: str) -> type[JobRequest]:
        """The planner of a kind. Raises Problem, naming the kinds there are."""
        if kind not in self:
            raise not_accepted("kind", kind, list(self))
        return self[kind]

    def _all(self) -> dict[str, type[JobRequest]]:
        if self._known is None:
            self._known = self._own | {point.name: point.load() for point in entry_points(group=GROUP)}
        return self._known
