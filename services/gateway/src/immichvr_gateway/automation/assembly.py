"""The parts of what happens by itself, put together: only a library that tells of its photos has them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial

from immichvr_common.bus import Bus
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_common.supervision import Supervisor

from immichvr_gateway.assets.index import AssetIndex, ManifestReader
from immichvr_gateway.auth.standing_keys import StandingKeys
from immichvr_gateway.automation.asks import Ask, Asks
from immichvr_gateway.automation.intake import Intake
from immichvr_gateway.automation.looking import look_at
from immichvr_gateway.automation.making import Making, NotNow, Requests, request_of
from immichvr_gateway.automation.moving import Moving
from immichvr_gateway.automation.pointing import Pointing
from immichvr_gateway.automation.reconciling import Reconciler
from immichvr_gateway.automation.records import AutomationRecords
from immichvr_gateway.automation.rules import Rule, named
from immichvr_gateway.automation.setup import Setup
from immichvr_gateway.library import Identity, Library
from immichvr_gateway.library.immich import ImmichLibrary
from immichvr_gateway.settings import GatewaySettings
from immichvr_gateway.upkeep.tasks import repeat
from immichvr_gateway.upkeep.turns import Turn

_POINTERS_S = 30.0


@dataclass(frozen=True)
class Automation:
    """setup: by which people switch it on and off. intake: where webhooks arrive. The others work by themselves."""

    setup: Setup
    intake: Intake
    pointing: Pointing
    moving: Moving
    reconciler: Reconciler

    def keep_going(self, keep: Callable[[str, Callable[[], Awaitable[None]]], None]) -> None:
        """Has everything work that works by itself. keep: has a named task run, as long as the gateway lives."""
        keep("webhooks", self.intake.run)
        keep("reconciler of Immich", self.reconciler.run)
        keep("pointers", partial(repeat, _POINTERS_S, pointers=self.pointing.go_on, clips=self.moving.go_on))


def rule_of(ask: Ask) -> Rule:
    """What a step asks for: of every photo that it is given."""
    return Rule(existing=True, skip=[], kind=ask.kind, model=ask.model, quality=ask.quality)


def open_automation(
    bus: Bus, library: Library, keys: StandingKeys, requests: Requests, assets: AssetIndex,
    manifests: ManifestReader, store: ObjectStore, requesters_of: Callable[[Source], Iterable[str]],
    here: Callable[[], Iterable[Identity]], supervisor: Supervisor, settings: GatewaySettings,
) -> Automation | None:  # fmt: skip
    """Puts the parts together; None for a library that is not Immich. here: who is connected now."""
    if not isinstance(library, ImmichLibrary):
        return None
    client, records = library.client, AutomationRecords(bus)
    making = Making(client, library, records, requests)
    pages = settings.public_url
    pointing = Pointing(client, keys, records, assets, requesters_of, supervisor, pages)
    moving = Moving(client, keys, records, assets, manifests, store, requesters_of, supervisor, here)

    async def recall(user: str) -> None:
        await pointing.recall(user)
        await moving.recall(user)

    async def consider(user: str, asset_id: str, ask: Ask | None) -> None:
        """Does what a call wants; what rules want and cannot be done now is found by the reconciler."""
        rules, who = await records.rules(user), await keys.of(user)
        if ask is not None:
            if who is None:
                raise NotNow("nothing can be asked for in their absence just now")
            facts = await look_at(client, who, asset_id, {})
            await making.ask(who, facts, rule_of(ask))
        elif who is not None and rules is not None:
            await making.consider(who, await look_at(client, who, asset_id, named(rules)), rules)

    intake = Intake(records, Asks(bus), consider, lambda ask: request_of(rule_of(ask)))
    turn = Turn(bus, "automation")
    reconciler = Reconciler(client, keys, records, making, turn, recall, settings.automation.every_minutes * 60)
    address = settings.automation.address or settings.public_url
    setup = Setup(client, keys, records, intake, pointing, moving, reconciler.wake, address)
    return Automation(setup, intake, pointing, moving, reconciler)
