"""An Immich 3.1 to test against, in memory and on a free port."""

from __future__ import annotations

import re
import secrets
import socket
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import uvicorn
from immich_answering import Refusal, caller_of
from immich_answers import ALL_WE_NEED, PROTECTED, PUBLIC
from immich_automation import AUTOMATION, TRIGGERS, StubTag, StubWorkflow, fire
from immich_clips import CLIPS
from immich_holdings import FIRST_DAY, ONE_DAY, StubAsset, StubKey, StubLink, StubUser, renditions_of, upright_size
from immich_lists import LISTS, StubAlbum, StubMemory, StubPerson, StubStack
from immich_people import OF_PEOPLE, SIGNING_IN
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

Answer = Callable[[Request], Awaitable[Response]]
ROUTES = (*PROTECTED, *AUTOMATION, *OF_PEOPLE, *LISTS, *CLIPS)
"""What is answered to somebody alone."""


class ImmichStub:
    """A server in memory, on a free port of this machine.

    instead: by a regular expression of paths, an answer given in place of Immich's, for what goes wrong;
    calls: what was asked, as `GET /api/…`; headers: those of each call, names in lower case. triggers: what it starts
    workflows on. network: where addresses that its workflows call really are.
    stacks_read_whole: how often all of somebody's were asked for.
    """

    def __init__(self) -> None:
        self.url = ""
        self._app = _application(self)
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self.users: list[StubUser] = []
        self.keys: dict[str, StubKey] = {}
        self.tokens: dict[str, StubUser] = {}
        self.parents: dict[str, str] = {}
        self.links: list[StubLink] = []
        self.oauth_button = ""
        self.oauth_people: dict[str, StubUser] = {}
        self.oauth_asked: dict[str, dict[str, str]] = {}
        self.assets: dict[str, StubAsset] = {}
        self.albums: dict[str, StubAlbum] = {}
        self.people: dict[str, StubPerson] = {}
        self.memories: list[StubMemory] = []
        self.stacks: dict[str, StubStack] = {}
        self.stacks_read_whole = 0
        self.smart_search = True
        self.workflows: dict[str, StubWorkflow] = {}
        self.tags: dict[str, StubTag] = {}
        self.triggers = TRIGGERS
        self.network: dict[str, str] = {}
        self.version = (3, 1, 0)
        self.external_domain = ""
        self.instead: dict[str, Answer] = {}
        self.calls: list[str] = []
        self.headers: list[dict[str, str]] = []

    def run_jobs(self) -> None:
        """Deletes what was to be deleted for good; Immich answers first, and does so later."""
        for gone in [one for one in self.assets.values() if one.deleting]:
            del self.assets[gone.id]
            for one in self.assets.values():
                one.live_video = None if one.live_video == gone.id else one.live_video

    def add_user(self, name: str) -> StubUser:
        """A user with the address `<name>@example.org` and a password."""
        user = StubUser(str(uuid.uuid4()), name, f"{name.lower()}@example.org", secrets.token_urlsafe(9))
        self.users.append(user)
        return user

    def add_key(self, owner: StubUser, permissions: tuple[str, ...] = ALL_WE_NEED, name: str = "ImmichVR") -> str:
        """An API key's secret."""
        secret = secrets.token_urlsafe(32)
        self.keys[secret] = StubKey(str(uuid.uuid4()), name, owner, permissions)
        return secret

    def add_link(self, owner: StubUser, assets: list[StubAsset], **about: object) -> StubLink:
        """A link to photos, or to an album of that name."""
        link = StubLink(str(uuid.uuid4()), secrets.token_urlsafe(50), owner, list(assets), **about)  # type: ignore[arg-type]
        link.album_id = str(uuid.uuid4()) if link.album else ""
        self.links.append(link)
        return link

    def add_photo(
        self, owner: StubUser, picture: bytes, name: str = "photo.jpg", original: bytes | None = None
    ) -> StubAsset:
        """A photo one day newer than the last; `original` is its file where that is not `picture` itself."""
        width, height = upright_size(picture)
        asset = StubAsset(
            id=str(uuid.uuid4()),
            owner=owner,
            name=name,
            original=picture if original is None else original,
            width=width,
            height=height,
            taken_at=FIRST_DAY + len(self.assets) * ONE_DAY,
            renditions=renditions_of(picture),
        )
        self.assets[asset.id] = asset
        return asset

    def add_album(self, owner: StubUser, name: str, *assets: StubAsset) -> StubAlbum:
        """An album with these in it."""
        album = StubAlbum(owner, name)
        self.albums[album.id] = album
        for asset in assets:
            asset.albums.append(album.id)
        return album

    def add_person(self, owner: StubUser, name: str, *assets: StubAsset) -> StubPerson:
        """Somebody who is in these."""
        person = StubPerson(owner, name)
        self.people[person.id] = person
        for asset in assets:
            asset.people.append(person.id)
        return person

    def add_memory(self, owner: StubUser, day: date, shown_on: date, *assets: StubAsset) -> StubMemory:
        """What Immich shows on a day of what was taken on one of an earlier year."""
        memory = StubMemory(owner, day, shown_on, list(assets))
        self.memories.append(memory)
        return memory

    def add_stack(self, *assets: StubAsset) -> StubStack:
        """Lays these on one another, the first on top."""
        stack = StubStack(list(assets))
        self.stacks[stack.id] = stack
        return stack

    def stack_of(self, asset: StubAsset) -> StubStack | None:
        """What an asset lies in."""
        return next((one for one in self.stacks.values() if asset in one.assets), None)

    def add_tag(self, asset: StubAsset, value: str) -> StubTag:
        """A tag on an asset, as its owner puts it there; workflows that start on it are run."""
        tag = next((one for one in self.tags.values() if (one.owner, one.value) == (asset.owner, value)), None)
        tag = tag or StubTag(asset.owner, value)
        self.tags[tag.id] = tag
        asset.tags.append(tag)
        fire(self, "AssetTagged", asset)
        return tag

    def run_workflows(self, asset: StubAsset, trigger: str = "AssetMetadataExtraction") -> list[int]:
        """Does what the owner's workflows say, as after an upload; what their webhooks answered."""
        return fire(self, trigger, asset)

    def add_copy(self, photo: StubAsset, owner: StubUser | None = None) -> StubAsset:
        """Another photo of the same picture, one day newer than the last; made quickly."""
        taken_at = FIRST_DAY + len(self.assets) * ONE_DAY
        alone: dict[str, Any] = {"shared_with": [], "albums": [], "people": [], "tags": [], "notes": {}}
        copy = replace(photo, id=str(uuid.uuid4()), owner=owner or photo.owner, taken_at=taken_at, **alone)
        self.assets[copy.id] = copy
        return copy

    @contextmanager
    def serving(self, wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> Iterator[ImmichStub]:
        """Answers at `self.url` meanwhile; `wrap` puts something in front that sees every request and answer."""
        config = uvicorn.Config(wrap(self._answer), interface="asgi3", log_level="warning", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        # Named as TCP, the socket is known to asyncio as one that must not hold back small answers.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.start()
        try:
            yield self
        finally:
            server.should_exit = server.force_exit = True
            thread.join(10)
            listening.close()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls.append(f"{scope['method']} {scope['path']}")
        self.headers.append({name.decode(): value.decode("latin-1") for name, value in scope["headers"]})
        if self.version >= (3, 2, 0):
            scope["instead"] = True  # the document is that of 3.1
        for pattern, answer in self.instead.items():
            if re.search(pattern, scope["path"]):
                scope["instead"] = True
                response = await answer(Request(scope, receive))
                return await response(scope, receive, send)
        await self._app(scope, receive, send)


def _application(stub: ImmichStub) -> Starlette:
    def public(handler: Callable[..., Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await handler(stub, request)

        return answer

    def protected(
        permission: str | None, handler: Callable[..., Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await handler(stub, request, caller_of(stub, request, permission))

        return answer

    async def refuse(_: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, Refusal)
        return refusal.answer

    routes = [
        Route(f"/api{path}", public(handler), methods=[method]) for method, path, handler in (*PUBLIC, *SIGNING_IN)
    ]
    routes += [
        Route(f"/api{path}", protected(permission, handler), methods=[method])
        for method, path, permission, handler in ROUTES
    ]
    return Starlette(routes=routes, exception_handlers={Refusal: refuse})
