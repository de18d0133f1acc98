"""A gateway before an Immich whose user Ada has photos that become 3D by themselves."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from immichvr_common.bus import Bus
from immichvr_common.supervision import Supervisor
from immichvr_gateway.assets.index import AssetIndex
from immichvr_gateway.auth.standing_keys import Standing
from immichvr_gateway.automation.intake import hash_of
from immichvr_gateway.automation.looking import look_at
from immichvr_gateway.automation.making import Making
from immichvr_gateway.automation.moving import Moving
from immichvr_gateway.automation.pointing import Pointing
from immichvr_gateway.automation.reconciling import Reconciler
from immichvr_gateway.automation.records import AutomationRecords, Cursor, Integration
from immichvr_gateway.automation.rules import Decision, Rule, Rules, named
from immichvr_gateway.jobs.records import Answer, JobRecord
from immichvr_gateway.library import Identity
from immichvr_gateway.library.immich import ImmichLibrary
from immichvr_gateway.requests.spec import Requester, SourceVersion
from immichvr_gateway.settings import AutomationSettings, ImmichSettings
from immichvr_gateway.upkeep.turns import Turn
from PIL import Image
from pydantic import SecretStr

ADDRESS = "http://immichvr:2284"
"""Of the gateway, where Immich is."""
PERMISSIONS = (
    "user.read", "asset.read", "asset.view", "asset.download", "asset.upload", "asset.update", "asset.delete",
    "album.read", "person.read", "memory.read", "stack.read", "tag.read", "tag.create", "tag.asset", "tag.delete",
    "workflow.create", "workflow.read", "workflow.delete", "apiKey.create", "apiKey.delete",
)  # fmt: skip


class Household:
    """A gateway, and Ada in front of it, signed in."""

    def __init__(self, gateway: Any, stub: Any, ada: Any, key: str) -> None:
        self.gateway, self.stub, self.ada, self.key = gateway, stub, ada, key
        self.client = gateway.client

    async def call(self, method: str, path: str, **more: Any) -> Any:
        """Ada asks; what is answered, once it went well."""
        answer = await self.client.request(method, path, headers={"x-api-key": self.key}, **more)
        assert answer.is_success, answer.text
        return answer.json()

    async def jobs(self) -> list[dict[str, Any]]:
        """Ada's jobs."""
        found: list[dict[str, Any]] = (await self.call("GET", "/api/jobs"))["items"]
        return found

    async def until(self, wanted: Callable[[], Awaitable[Any]], within_s: float = 40) -> Any:
        """What `wanted` gives once it gives anything."""
        async with asyncio.timeout(within_s):
            while not (found := await wanted()):  # noqa: ASYNC110  # Immich tells nobody
                await asyncio.sleep(0.05)
            return found

    def webhooks(self) -> list[dict[str, Any]]:
        """What Ada's workflows in Immich call."""
        return [step["config"] for one in self.stub.workflows.values() for step in one.steps]


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Makes JPEGs, no two of a test alike."""
    count = iter(range(1000))

    def make(size: tuple[int, int] = (40, 30)) -> bytes:
        out = io.BytesIO()
        Image.new("RGB", size, (next(count) % 256, 90, 120)).save(out, "JPEG")
        return out.getvalue()

    return make


@pytest.fixture
async def household(immich_server: Any, serving: Any, settings: Any) -> AsyncIterator[Callable[..., Any]]:
    """Opens a gateway in front of an Immich that has nothing but Ada."""

    @asynccontextmanager
    async def open_one(
        every_minutes: float = 5, permissions: tuple[str, ...] = PERMISSIONS
    ) -> AsyncIterator[Household]:
        immich_server.clear()
        ada = immich_server.add_user("Ada")
        key = immich_server.add_key(ada, permissions)
        chosen = settings.model_copy(
            update={
                "immich": ImmichSettings(url=immich_server.url),
                "session_key": SecretStr("a secret that outlives the test"),
                "public_url": "https://vr.example.org",
                "automation": AutomationSettings(address=ADDRESS, every_minutes=every_minutes),
            }
        )
        async with serving(chosen) as gateway:
            immich_server.network[ADDRESS] = gateway.url
            yield Household(gateway, immich_server, ada, key)

    yield open_one


class Asked:
    """Where jobs are asked for: remembers each. problem: what is answered instead."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, str, str, str]] = []
        self.problem: Exception | None = None

    async def ask(self, kind: str, request: Any, of: SourceVersion, who: Requester) -> Answer:
        if self.problem is not None:
            raise self.problem
        self.jobs.append((kind, of.source.id, request.model, who.job_class))
        now = datetime.now(UTC)
        record = JobRecord(
            id=f"{kind}-{of.source.id}-{of.version}", kind=kind, source=of.source, requesters=[who.user_id], params={},
            created_at=now, updated_at=now,
        )  # fmt: skip
        return Answer(record, done=False)

    @property
    def photos(self) -> list[str]:
        """Of which something is made, in order."""
        return [photo for _, photo, _, _ in self.jobs]


class Allowed:
    """Who may be worked for in their absence; nobody any more once `refused` says why."""

    def __init__(self, people: dict[str, Identity]) -> None:
        self.people, self.refused = people, ""

    async def of(self, user_id: str) -> Identity | None:
        return None if self.refused else self.people.get(user_id)

    async def look(self, user_id: str) -> Standing:
        return Standing("paused", self.refused) if self.refused else Standing("on", "it goes on")

    async def opt_out(self, who: Identity) -> None:
        self.people.pop(who.user_id, None)


class Workshop:
    """All that works by itself, without a gateway around it: before an Immich of Ada and Ben, for Ada alone."""

    def __init__(self, stub: Any, bus: Bus, library: ImmichLibrary, ada: Identity, ben: Identity) -> None:
        self.stub, self.ada = stub, ada
        self.users = {user.id: user for user in stub.users}
        self.asked, self.keys = Asked(), Allowed({ada.user_id: ada, ben.user_id: ben})
        self.records, self.assets = AutomationRecords(bus), AssetIndex()
        self.library, self.client = library, library.client
        self.supervisor = Supervisor()
        self.bus = bus
        self.again()

    def again(self) -> None:
        """As after a restart: what was in memory alone is forgotten."""
        keys: Any = self.keys
        self.making = Making(self.client, self.library, self.records, self.asked)
        self.pointing = Pointing(
            self.client, keys, self.records, self.assets, lambda _: [self.ada.user_id], self.supervisor, "https://vr"
        )
        nothing: Any = None  # no clip is made here
        self.moving = Moving(
            self.client, keys, self.records, self.assets, nothing, nothing, lambda _: [self.ada.user_id],
            self.supervisor,
        )  # fmt: skip
        self.reconciler = Reconciler(
            self.client, keys, self.records, self.making, Turn(self.bus, "automation"), self.pointing.recall, 300
        )

    async def set_up(self, *rules: Rule, **integration: Any) -> None:
        """Ada has these rules; what comes from now on is new to them."""
        now = datetime.now(UTC)
        kept = Integration(secret_hash=hash_of("secret"), since=now, **integration)
        await self.records.put_integration(self.ada.user_id, kept)
        await self.records.put_rules(self.ada.user_id, Rules(rules=list(rules), since=now))
        await self.records.put_cursor(self.ada.user_id, Cursor(after=now))

    async def consider(self, asset: Any) -> Decision:
        """What a call about an asset comes to."""
        rules = await self.records.rules(self.ada.user_id)
        assert rules is not None
        return await self.making.consider(self.ada, await look_at(self.client, self.ada, asset.id, named(rules)), rules)

    def upload(self, picture: bytes, name: str = "IMG_1.jpg", owner: str = "") -> Any:
        """A photo that came just now, Ada's unless it is said whose."""
        asset = self.stub.add_photo(self.users[owner or self.ada.user_id], picture, name)
        asset.uploaded_at = asset.updated_at = datetime.now(UTC)
        return asset


@pytest.fixture
async def workshop(immich_server: Any, empty_bus: Bus) -> AsyncIterator[Workshop]:
    """Everything but the gateway."""
    immich_server.clear()
    library = ImmichLibrary(immich_server.url)
    people = [
        await library.sign_in(api_key=immich_server.add_key(immich_server.add_user(name), PERMISSIONS))
        for name in ("Ada", "Ben")
    ]
    made = Workshop(immich_server, empty_bus, library, *people)
    yield made
    await made.supervisor.stop()
    await library.close()
