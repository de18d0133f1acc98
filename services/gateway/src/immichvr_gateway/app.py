"""The application: every door on one core."""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from immichvr_gateway import api_docs, live_socket, problems, web
from immichvr_gateway.core import Core
from immichvr_gateway.doorkeeper import Doorkeeper
from immichvr_gateway.forwarded import BehindProxies
from immichvr_gateway.library import FolderLibrary, ImmichLibrary, Library
from immichvr_gateway.lines import on_lines
from immichvr_gateway.problems import Problem
from immichvr_gateway.routes import assets, jobs, models, photos, storage, system
from immichvr_gateway.routes.people import admitted
from immichvr_gateway.settings import GatewaySettings
from immichvr_gateway.sockets import News

DESCRIPTION = """Photos become places: ask for depth and Gaussian splats, follow the jobs, fetch what was made.

Errors are problem details (RFC 9457) with a `code`. Live news come over Socket.IO at `/api/socket.io`:
`job:update` with a job, `asset:created` with a photo's new asset, `asset:deleted` with the key of one that is gone,
`model:progress` with a model's state, and `session:ended` with `code` and `detail` before a socket is closed because
its session has ended."""


def make_library(settings: GatewaySettings) -> Library:
    """The library the settings name: Immich, or a folder. Raises ValueError if they name neither."""
    immich = settings.immich
    if immich.url:
        return ImmichLibrary(immich.url, immich.api_key, external_url=immich.external_url)
    if settings.photos is None:
        raise ValueError("set IMMICH_URL, or IMMICHVR_GATEWAY_PHOTOS to a folder of photos")
    if not settings.photos.is_dir():
        raise ValueError(f"IMMICHVR_GATEWAY_PHOTOS: {settings.photos} is not a folder")
    return FolderLibrary(settings.photos, settings.cache or Path(tempfile.mkdtemp(prefix="immichvr-thumbnails-")))


def create_app(settings: GatewaySettings, library: Library | None = None) -> ASGIApp:
    """The ASGI application, API, sockets and viewer together."""
    core = Core(settings, library or make_library(settings))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        core.start()
        yield
        await core.stop()

    app = FastAPI(
        title="ImmichVR",
        description=DESCRIPTION,
        version=version("immichvr-gateway"),
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_url="/api/openapi.json",
        responses={"default": problems.DESCRIBED},
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.core = core
    routers = [doors.router for doors in (photos, assets, jobs, models, storage, system)]
    for router in routers:
        app.include_router(router)
    live_socket.install(app)
    problems.install(app, [route for router in routers for route in router.routes])
    api_docs.install(app, core.library.cursor_pattern)
    web.install(app, settings.web)

    core.news = News(lambda scope: admitted(core, scope), core.library, core.presences, settings.limits.unread_events)
    guarded = Guarded(on_lines(core.news.door(app)), Doorkeeper(settings), settings.limits.body_kilobytes * 1024)
    return BehindProxies(guarded, settings.proxies)


_BODY_S = 20.0


class Guarded:
    """Refuses what comes from pages elsewhere, and bodies that are too large, before anything else looks at it."""

    def __init__(self, inner: ASGIApp, doorkeeper: Doorkeeper, max_body: int) -> None:
        self._inner, self._doorkeeper, self._max_body = inner, doorkeeper, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_socket = scope["type"] == "websocket"
        refusal = self._doorkeeper.refusal(
            scope.get("method", "GET"), headers.get("host", ""), headers.get("origin", ""), is_socket
        )
        if refusal and is_socket:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif refusal:
            await problems.answer(Problem(403, "refused", refusal))(scope, receive, send)
        elif is_socket:
            await self._inner(scope, receive, send)
        else:
            await self._limited(scope, receive, send, headers)

    async def _limited(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        """Passes on a request once its body is here, which is small."""
        announced = headers.get("content-length", "0")
        problem = None
        try:
            if announced.isdecimal() and int(announced) > self._max_body:
                raise _BodyTooLarge
            async with asyncio.timeout(_BODY_S):
                body = await self._body(receive)
        except _Left:
            return
        except _BodyTooLarge:
            problem = Problem(413, "body_too_large", f"a request's body may have {self._max_body} bytes")
        except TimeoutError:
            problem = Problem(408, "too_slow", f"the request's body did not come within {_BODY_S:.0f} s")
        if problem is not None:
            await problems.answer(problem)(scope, receive, send)
            return
        messages: deque[Message] = deque([{"type": "http.request", "body": body, "more_body": False}])

        async def replayed() -> Message:
            return messages.popleft() if messages else await receive()

        await self._inner(scope, replayed, _unkept(send) if scope["path"].startswith("/api/") else send)

    async def _body(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Left
            body += message.get("body", b"")
            if len(body) > self._max_body:
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
