"""Which kinds of jobs there are: who does them, from what, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass

from immichvr_catalog.errors import CatalogError
from immichvr_catalog.services import CLASSES, CPU, GPU, POOLS, SERVICES, check_name
from immichvr_catalog.sources import (
    ASSETS,
    DEPTH,
    DEPTH_VIDEO,
    MOTION,
    PHOTO,
    POINTS,
    SCENE,
    SET,
    SOURCES,
    SPLAT,
    VIDEO,
)
from immichvr_catalog.table import Table

DEFAULT_DEADLINE_S = 900
"""How long a job may work where neither its kind nor its worker's settings say otherwise."""
MODEL = "model"
"""What a job takes that is about a model itself."""


@dataclass(frozen=True)
class JobKind:
    """A kind of job.

    service: who does it. title: what a viewer says while it is done. takes: kinds of sources or of assets, or MODEL.
    makes: kinds of assets that are made, the one that was asked for first. extends: the kind of asset to which files
    are added. pools: where it may run, the best first. deadline_s: how long it may work; the default
    is what the worker's settings say. pipeline_version: raised
    where what comes out changes, so that older results are outdated. in_background: it waits rather than computes,
    and is done beside others. keeps_parts: files of it are kept while it works, to be watched and gone on from.
    works_elsewhere: some of it may go on at a service elsewhere, until a worker ends it there.
    gpu_batch: so many are done at once in less time on a GPU. is_session: it serves a client for as long as that is
    there; nobody tries it again, and it is soon forgotten. follow_ups: kinds of jobs
    that may be part of what was asked for.
    """

    name: str
    service: str
    title: str
    takes: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    extends: str = ""
    pools: tuple[str, ...] = (CPU,)
    classes: tuple[str, ...] = CLASSES
    deadline_s: int = DEFAULT_DEADLINE_S
    pipeline_version: int = 1
    in_background: bool = False
    keeps_parts: bool = False
    works_elsewhere: bool = False
    gpu_batch: int = 1
    is_session: bool = False
    follow_ups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_name("kind of job", self.name)
        if self.makes and self.extends:
            raise CatalogError(f"a job of kind {self.name!r} either makes assets or extends one")
        if not self.pools or not set(self.pools) <= set(POOLS):
            raise CatalogError(f"the pools of {self.name!r} are some of {', '.join(POOLS)}, not {self.pools!r}")
        if not self.classes or not set(self.classes) <= set(CLASSES):
            raise CatalogError(f"the classes of {self.name!r} are some of {', '.join(CLASSES)}, not {self.classes!r}")
        if self.deadline_s <= 0 or self.pipeline_version < 1 or self.gpu_batch < 1:
            raise CatalogError(f"deadline, pipeline version and batch of {self.name!r} are above zero")

    @property
    def asset(self) -> str:
        """The kind of asset that was asked for; empty where the job leaves none."""
        return self.extends or (self.makes[0] if self.makes else "")

    @property
    def assets(self) -> tuple[str, ...]:
        """Every kind of asset that it makes or extends."""
        return (self.extends,) if self.extends else self.makes

    @property
    def root(self) -> str:
        """The root under which its objects lie; empty where it leaves none."""
        return ASSETS[self.asset].root if self.asset else ""

    @property
    def own_deadline_s(self) -> int:
        """How long it may work where that is a matter of its kind; 0 where the worker's settings decide."""
        return 0 if self.deadline_s == DEFAULT_DEADLINE_S else self.deadline_s

    @property
    def is_of_model(self) -> bool:
        """Whether it is about a model itself, and belongs to no source."""
        return self.takes == (MODEL,)

    def pool(self, configured: str) -> str:
        """The pool where it is queued when its service's jobs go to the pool `configured`: a GPU's work without
        such workers is for the CPU's."""
        return configured if configured in self.pools else CPU


def _is_whole(kind: JobKind) -> None:
    service = SERVICES.get(kind.service)
    if service is None or not service.takes_jobs:
        raise CatalogError(f"jobs of kind {kind.name!r} go to {kind.service!r}, which is no service that takes jobs")
    if kind.is_of_model and not service.runs_models:
        raise CatalogError(f"jobs of kind {kind.name!r} go to {kind.service!r}, which runs no models")
    known = {*SOURCES, *ASSETS, MODEL}
    for name in kind.takes:
        if name not in known:
            raise CatalogError(f"jobs of kind {kind.name!r} take {name!r}; there are: {', '.join(sorted(known))}")
    for name in kind.assets:
        if name not in ASSETS:
            raise CatalogError(f"jobs of kind {kind.name!r} make {name!r}; there are: {', '.join(ASSETS)}")
    for name in kind.follow_ups:
        if name not in KINDS:
            raise CatalogError(f"{name!r} cannot follow {kind.name!r}; there are: {', '.join(KINDS)}")


KINDS = Table(
    "kind of job",
    JobKind,
    (
        JobKind("depth", "ai", "Making depth", takes=(PHOTO,), makes=(DEPTH,), pools=(GPU, CPU)),
        JobKind(
            "splat", "ai", "Making 3D", takes=(PHOTO,), makes=(SPLAT, DEPTH), pools=(GPU, CPU),
            gpu_batch=4, follow_ups=("convert",),
        ),
        JobKind("live", "ai", "Live", pools=(GPU, CPU), is_session=True),
        JobKind("render", "ai", "Drawing", takes=(SPLAT,), is_session=True),
        JobKind("convert", "converter", "Converting", takes=(SPLAT,), extends=SPLAT),
        JobKind("lod", "converter", "Making levels of detail", takes=(SPLAT,), extends=SPLAT),
        JobKind(
            "video-depth", "video-depth", "Making 3D video", takes=(VIDEO,), makes=(DEPTH_VIDEO,), pools=(GPU, CPU),
            deadline_s=12 * 3600, keeps_parts=True, follow_ups=("stereo",),
        ),
        JobKind(
            "stereo", "video-depth", "Making stereo", takes=(VIDEO, DEPTH_VIDEO), extends=DEPTH_VIDEO,
            deadline_s=6 * 3600,
        ),
        JobKind("motion", "video-depth", "Making a motion clip", takes=(PHOTO, DEPTH), makes=(MOTION,)),
        JobKind(
            "reconstruct", "inpaint", "Making a place", takes=(PHOTO, VIDEO, SET), makes=(SPLAT,), pools=(GPU, CPU),
            deadline_s=12 * 3600, keeps_parts=True, works_elsewhere=True, follow_ups=("lod",),
        ),
        JobKind(
            "points", "inpaint", "Making points", takes=(PHOTO, VIDEO, SET), makes=(POINTS,), pools=(GPU, CPU),
            deadline_s=3 * 3600,
        ),
        JobKind("dataset", "inpaint", "Packing a dataset", takes=(SCENE, SPLAT), extends=SPLAT, deadline_s=3600),
        JobKind(
            "inpaint", "inpaint", "Filling what is missing", takes=(SPLAT,), makes=(SPLAT,), pools=(GPU, CPU),
            deadline_s=6 * 3600, keeps_parts=True,
        ),
        JobKind(
            "model-download", "ai", "Downloading", takes=(MODEL,), pools=(GPU, CPU),
            deadline_s=12 * 3600, in_background=True,
        ),
        JobKind("model-load", "ai", "Loading", takes=(MODEL,), pools=(GPU, CPU)),
        JobKind("model-unload", "ai", "Unloading", takes=(MODEL,), pools=(GPU, CPU), in_background=True),
        JobKind("model-delete", "ai", "Deleting", takes=(MODEL,), pools=(GPU, CPU), in_background=True),
    ),
    _is_whole,
)  # fmt: skip
"""Every kind of job by its name."""


def kinds_of(service: str) -> tuple[JobKind, ...]:
    """The kinds of jobs that a service does; those about models are done by whichever runs the model."""
    runs_models = SERVICES[service].runs_models
    return tuple(kind for kind in KINDS.values() if kind.service == service or (runs_models and kind.is_of_model))


def is_of_model(kind: str) -> bool:
    """Whether jobs of that name are about a model itself; those of a kind that there is not are not."""
    return kind in KINDS and KINDS[kind].is_of_model


def is_session(kind: str) -> bool:
    """Whether jobs of that name serve a client; those of a kind that there is not do not."""
    return kind in KINDS and KINDS[kind].is_session


def needs_source(kind: str) -> bool:
    """Whether jobs of that name are about a source; those of a kind that there is not may be about anything.

    A session is its client's, whatever it takes.
    """
    return kind in KINDS and bool(KINDS[kind].takes) and not (KINDS[kind].is_of_model or KINDS[kind].is_session)


def assets_of(service: str) -> frozenset[str]:
    """The kinds of assets that a service makes or extends."""
    return frozenset(name for kind in kinds_of(service) for name in kind.assets)
