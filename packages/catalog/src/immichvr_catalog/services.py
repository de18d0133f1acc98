"""Which services there are, and the one spelling of their names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from immichvr_catalog.errors import CatalogError
from immichvr_catalog.table import Table

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

CPU, GPU = "cpu", "gpu"
POOLS = (CPU, GPU)
"""Pools of workers: each service has one durable consumer for each, whether or not anybody works there."""
CLASSES = ("interactive", "batch")
"""Classes of jobs, in the order in which workers take them."""
GATEWAY = "gateway"
"""The service that decides; it takes no jobs."""


@dataclass(frozen=True)
class Service:
    """Processes of one program, of which any number may run.

    name: lower-case words with hyphens between them; its folder under `services/`, and its word in subjects of NATS.
    takes_jobs: whether it is a worker. children: working processes of one where nobody says how many. runs_models:
    whether it fetches models, holds them in memory and tells of them. gateway_calls: methods of its gRPC server that
    the gateway may call. stores_answers: whether what its callers get lies in storage.
    """

    name: str
    takes_jobs: bool = True
    children: int = 1
    runs_models: bool = False
    gateway_calls: tuple[str, ...] = ()
    stores_answers: bool = False

    def __post_init__(self) -> None:
        check_name("service", self.name)
        if self.children < 1:
            raise CatalogError(f"the service {self.name!r} needs a child at least, not {self.children}")

    @property
    def module(self) -> str:
        """Its Python package: immichvr_video_depth."""
        return f"immichvr_{self._snake}"

    @property
    def env_prefix(self) -> str:
        """How the names of its settings begin: IMMICHVR_VIDEO_DEPTH_."""
        return f"IMMICHVR_{self._snake.upper()}_"

    @property
    def proto(self) -> str:
        """The package of its messages: immichvr.videodepth.v1."""
        return f"immichvr.{self.name.replace('-', '')}.v1"

    @property
    def subject(self) -> str:
        """Its word in subjects of NATS: video-depth."""
        return self.name

    @property
    def account(self) -> str:
        """Its account at NATS: VIDEO_DEPTH. Its user there, and at S3, has the service's name."""
        return self._snake.upper()

    @property
    def image(self) -> str:
        """Its distribution and its image: immichvr-video-depth."""
        return f"immichvr-{self.name}"

    @property
    def folder(self) -> str:
        """Where its code is in the repository: services/video-depth."""
        return f"services/{self.name}"

    @property
    def _snake(self) -> str:
        return self.name.replace("-", "_")


def check_name(what: str, name: str) -> None:
    """Raises CatalogError for a name that could not be a word of a subject, a folder and a module."""
    if _NAME.fullmatch(name) is None:
        raise CatalogError(f"{name!r} is no name for a {what}: lower-case words with hyphens between, like video-depth")


SERVICES = Table(
    "service",
    Service,
    (
        Service(GATEWAY, takes_jobs=False),
        # A live session takes one child, photos the other.
        Service("ai", children=2, runs_models=True, gateway_calls=("StreamFrames",), stores_answers=True),
        Service("converter", gateway_calls=("ListFormats",), stores_answers=True),
        Service("video-depth", runs_models=True, stores_answers=True),
        Service("inpaint", runs_models=True, stores_answers=True),
    ),
)
"""Every service by its name."""


def workers() -> tuple[Service, ...]:
    """The services that take jobs."""
    return tuple(service for service in SERVICES.values() if service.takes_jobs)
