"""The application: every door, and what is behind them."""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import cache
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from immichvr_catalog import VIDEO
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from immichvr_gateway.auth.origin_guard import OriginGuard
from immichvr_gateway.http import api_docs, description, problems, web
from immichvr_gateway.http.forwarded import BehindProxies
from immichvr_gateway.http.headers import with_usual_headers
from immichvr_gateway.http.lines import on_a_line
from immichvr_gateway.http.problems import Problem
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
    routers = _routers()
    api.router.routes.extend(_rooms().routes)
    api.webhooks.include_router(hooks.outgoing)
    live_stream.install(api)
    routes = [route for router in routers for route in router.routes]
    problems.install(api, routes)
    ways = {description.operation_id(one): ways_into(one) for one in routes if isinstance(one, APIRoute)}
    description.install(api, WAYS_IN, ways)
    return api


def _routers() -> list[APIRouter]:
    library = (photos, videos, timeline, albums, recognised, browsing)
    work = (scenes, assets, earlier, jobs, parts, dead_letters, batches, models, storage)
    people = (signing_in, pairing, absence, preferences, automation, hooks, share)
    return [room.router for room in (*library, *work, *people, system)]


@cache
def _rooms() -> APIRouter:
    """All of them, included once in a process: FastAPI reads every signature for that, which takes most of a second."""
    rooms = APIRouter(generate_unique_id_function=description.operation_id, responses={"default": {}})
    for router in _routers():
        rooms.include_router(router)
    return rooms


def create_app(
    settings: GatewaySettings, library: Library | None = None, on_up: Callable[[], None] = lambda: None
) -> ASGIApp:
    """The ASGI application, API, sockets and viewer together. on_up: called once all that is kept has been read."""
    here = open_resources(settings, library or make_library(settings))
    startup = Startup(here, on_up)
    app = make_api(startup.lifespan)
    app.state.startup = startup
    api_docs.install(app, here.library.cursor_pattern)
    web.install(app, settings.web, lambda request, index: share_page(request, here, index))
    guarded = Guarded(here.news.door(Traced(app)), OriginGuard(settings), settings.limits.body_kilobytes * 1024)
    homes = below_links(guarded)
    secure = to_https(homes) if settings.tls.key_file else homes
    return BehindProxies(with_usual_headers(secure), settings.proxies, settings.public_url)


_BODY_S = 20.0
_LARGER_BODIES = {"/api/reconstruct": 1024 * 1024}
"""Bytes of a request that may bring more than wishes: the cameras of a thousand photos."""


class Guarded:
    """Refuses what comes from pages elsewhere, and bodies that are too large, before anything else looks at it.

    A WebSocket becomes a connection that can be ended from this side.
    """

    def __init__(self, inner: ASGIApp, origin_guard: OriginGuard, max_body: int) -> None:
        self._inner, self._origin_guard, self._max_body = inner, origin_guard, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_socket = scope["type"] == "websocket"
        refusal = self._origin_guard.refusal(
            scope.get("method", "GET"), headers.get("host", ""), headers.get("origin", ""), is_socket
        )
        if refusal and is_socket:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif refusal:
            await problems.answer(Problem(403, "refused", refusal))(scope, receive, send)
        elif is_socket:
            await on_a_line(self._inner, scope, receive, send)
        else:
            await self._limited(scope, receive, send, headers)

    async def _limited(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        """Passes on a request once its body is here, which is small."""
        announced = headers.get("content-length", "0")
        most = max(self._max_body, _LARGER_BODIES.get(scope["path"], 0))
        problem = None
        try:
            if announced.isdecimal() and int(announced) > most:
                raise _BodyTooLarge
            async with asyncio.timeout(_BODY_S):
                body = await self._body(receive, most)
        except _Left:
            return
        except _BodyTooLarge:
            problem = Problem(413, "body_too_large", f"a request's body may have {most} bytes")
        except TimeoutError:
            problem = Problem(408, "too_slow", f"the request's body did not come within {_BODY_S:.0f} s")
        if problem is not None:
            await problems.answer(problem)(scope, receive, send)
            return
        messages: deque[Message] = deque([{"type": "http.request", "body": body, "more_body": False}])

        async def replayed() -> Message:
            return messages.popleft() if messages else await receive()

        await self._inner(scope, replayed, _unkept(send) if scope["path"].startswith("/api/") else send)

    async def _body(self, receive: Receive, most: int) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Left
            body += message.get("body", b"")
            if len(body) > most:
                raise _BodyTooLarge
            if not message.get("more_body", False):
                return bytes(body)


class _BodyTooLarge(Exception):
    """A body above the limit."""


class _Left(Exception):
    """Whoever asked has left before the request was whole."""


def _unkept(send: Send) -> Send:
    """Answers of the API that say nothing else may be kept by no browser: another person may sit there next."""

    async def say(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault("cache-control", "no-store")
        await send(message)

    return say
