"""The application: every door, and what is behind them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import cache
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from immichvr_catalog import VIDEO
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from immichvr_gateway.auth.origin_guard import OriginGuard
from immichvr_gateway.events.sockets import PATH as SOCKETS
from immichvr_gateway.http import api_docs, description, problems, web
from immichvr_gateway.http.bodies import Bounded
from immichvr_gateway.http.forwarded import BehindProxies
from immichvr_gateway.http.headers import with_usual_headers
from immichvr_gateway.http.tls import to_https
from immichvr_gateway.http.traced import Traced
from immichvr_gateway.library import FolderLibrary, FolderLimits, ImmichLibrary, ImmichLimits, Library
from immichvr_gateway.live import stream as live_stream
from immichvr_gateway.resources import open_resources
from immichvr_gateway.routes import (
    absence,
    albums,
    assets,
    automation,
    batches,
    browsing,
    dead_letters,
    earlier,
    hooks,
    jobs,
    models,
    pairing,
    parts,
    photos,
    preferences,
    recognised,
    scenes,
    share,
    signing_in,
    storage,
    system,
    timeline,
    videos,
)
from immichvr_gateway.routes.people import WAYS_IN, ways_into
from immichvr_gateway.settings import GatewaySettings
from immichvr_gateway.sharing.addresses import below_links
from immichvr_gateway.sharing.pages import share_page
from immichvr_gateway.startup import Startup

DESCRIPTION = """Photos become places: ask for depth and Gaussian splats, follow the jobs, fetch what was made.

Errors are problem details (RFC 9457) with a `code`. Live news come over Socket.IO at `/api/socket.io`:
`job:update` with a job, `asset:created` with a source's new asset, `asset:deleted` with the key of one that is gone,
`library:changed` with photos and videos that are `there`, new or different, and `gone` (`more`: read the list anew),
`model:progress` with a model's state, `session:ended` with `code` and `detail` before a socket is closed because its
session has ended, `news:at` with the `id` of a place in the news. Who comes back with it (`auth: {since: id}`), to
whichever gateway, is told what they missed, assets without their view; `news:reload` where that is too much: read
everything anew."""


def make_library(settings: GatewaySettings) -> Library:
    """The library the settings name: Immich, or a folder. Raises ValueError if they name neither."""
    immich, largest = settings.immich, settings.limits.largest(VIDEO)
    if immich.url:
        limits = ImmichLimits(max_video_bytes=largest)
        return ImmichLibrary(immich.url, immich.api_key, external_url=immich.external_url, limits=limits)
    if settings.photos is None:
        raise ValueError("set IMMICH_URL, or IMMICHVR_GATEWAY_PHOTOS to a folder of photos")
    if not settings.photos.is_dir():
        raise ValueError(f"IMMICHVR_GATEWAY_PHOTOS: {settings.photos} is not a folder")
    cache = settings.cache or Path(tempfile.mkdtemp(prefix="immichvr-thumbnails-"))
    return FolderLibrary(settings.photos, cache, FolderLimits(max_video_bytes=largest))


def make_api(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None) -> FastAPI:
    """The HTTP API and its description; what it answers with is for `create_app` to put behind it."""
    api = FastAPI(
        title="ImmichVR",
        description=DESCRIPTION,
        version=version("immichvr-gateway"),
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    api.router.routes.extend(_rooms().routes)
    api.webhooks.include_router(hooks.outgoing)
    live_stream.install(api)
    problems.install(api, _routes())
    description.install(api, WAYS_IN, _ways())
    return api


def _routers() -> list[APIRouter]:
    library = (photos, videos, timeline, albums, recognised, browsing)
    work = (scenes, assets, earlier, jobs, parts, dead_letters, batches, models, storage)
    people = (signing_in, pairing, absence, preferences, automation, hooks, share)
    return [room.router for room in (*library, *work, *people, system)]


def _routes() -> list[BaseRoute]:
    return [route for router in _routers() for route in router.routes]


@cache
def _rooms() -> APIRouter:
    """All of them, included once in a process: FastAPI reads every signature for that, which takes most of a second."""
    rooms = APIRouter(generate_unique_id_function=description.operation_id, responses={"default": {}})
    for router in _routers():
        rooms.include_router(router)
    return rooms


@cache
def _ways() -> dict[str, list[str]]:
    """By which ways one gets in to each operation."""
    return {description.operation_id(one): ways_into(one) for one in _routes() if isinstance(one, APIRoute)}


def create_app(
    settings: GatewaySettings, library: Library | None = None, on_up: Callable[[], None] = lambda: None
) -> ASGIApp:
    """The ASGI application, API, sockets and viewer together. on_up: called once all that is kept has been read."""
    here = open_resources(settings, library or make_library(settings))
    startup = Startup(here, on_up)
    app = make_api(startup.lifespan)
    app.state.startup = startup
    api_docs.install(app, here.library.cursor_pattern)
    app.mount(SOCKETS, here.news.door)
    web.install(app, settings.web, lambda request, index: share_page(request, here, index))
    bounded = Bounded(Traced(app), settings.limits.body_kilobytes * 1024)
    homes = below_links(OriginGuard(bounded, settings))
    secure = to_https(homes) if settings.tls.key_file else homes
    return BehindProxies(with_usual_headers(secure), settings.proxies, settings.public_url)
