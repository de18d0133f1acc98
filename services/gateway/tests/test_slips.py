"""Slips that are good for some minutes: what is undone of those that nobody came for."""

from __future__ import annotations

import time
from typing import Any

from immichvr_common.errors import Unavailable
from immichvr_gateway.auth.seal import Seal
from immichvr_gateway.auth.slips import WAITS_S, Slips
from immichvr_gateway.library import LibraryUnavailable
from structlog.testing import capture_logs


async def test_what_was_written_while_a_slip_is_undone_stays(empty_bus) -> None:
    slips = Slips("pairing", Seal("a key"), lambda: time.time() + 3 * WAITS_S)
    slips.use(empty_bus)
    later = time.time() + 3 * WAITS_S
    await slips.write("123456", {"at": time.time(), "whose": "the first's"}, 0)

    async def meanwhile(facts: dict[str, Any]) -> None:
        there, revision = await slips.read("123456")
        assert there is None
        await slips.write("123456", {"at": later, "whose": "another's"}, revision)

    slips.on_expired = meanwhile
    await slips.remove_expired()
    there, _ = await slips.read("123456")
    assert there is not None and there["whose"] == "another's"


async def test_while_immich_is_away_it_is_asked_of_one_code_and_not_of_each(empty_bus) -> None:
    slips = Slips("pairing", Seal("a key"), lambda: time.time() + 3 * WAITS_S)
    slips.use(empty_bus)
    for code in ("111111", "222222", "333333"):
        await slips.write(code, {"at": 0.0}, 0)
    asked: list[dict[str, Any]] = []

    async def is_away(facts: dict[str, Any]) -> None:
        asked.append(facts)
        raise LibraryUnavailable("Immich is away", down="immich")

    slips.on_expired = is_away
    with capture_logs() as logs:
        await slips.remove_expired()
    assert len(asked) == len(logs) == 1


async def test_a_slip_that_nats_cannot_clear_away_was_taken_all_the_same(empty_bus, monkeypatch) -> None:
    slips = Slips("pairing", Seal("a key"))
    slips.use(empty_bus)
    revision = await slips.write("123456", {"at": time.time()}, 0)

    async def is_away(*_: object, **__: object) -> None:
        raise Unavailable("NATS is away", down="nats")

    with monkeypatch.context() as patched:
        patched.setattr(empty_bus, "purge", is_away)
        assert await slips.take("123456", revision)
    assert (await slips.read("123456"))[0] is None
    assert not await slips.take("123456", revision)
    tidying = Slips("pairing", Seal("a key"), lambda: time.time() + 3 * WAITS_S)
    tidying.use(empty_bus)
    await tidying.remove_expired()
    assert not await empty_bus.subjects("KV_state", "$KV.state.pairing.>")
