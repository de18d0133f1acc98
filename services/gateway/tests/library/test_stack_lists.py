"""What is known of which photos lie on one another, where Immich answers late or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from immichvr_gateway.library import LibraryUnavailable
from immichvr_gateway.library.immich.client import ImmichClient
from immichvr_gateway.library.immich.limits import ImmichLimits
from immichvr_gateway.library.immich.stacks import StackList, StackLists
from immichvr_gateway.library.photos import Credential
from pydantic import SecretStr

ADA = Credential("api_key", SecretStr("ada"))
IDS = [f"6d1b2b0e-2a3c-4d59-9a51-7a1c6f1e0c{number:02}" for number in range(8)]


def stack(number: int) -> dict[str, Any]:
    top, other = IDS[2 * number], IDS[2 * number + 1]
    members = [{"id": one, "type": "IMAGE", "visibility": "timeline", "isTrashed": False} for one in (top, other)]
    return {"id": IDS[7 - number], "primaryAssetId": top, "assets": members}


class Immich:
    """Answers with the stacks of these numbers. before: awaited first."""

    def __init__(self, *numbers: int) -> None:
        self.numbers, self.asked = numbers, list[str]()
        self.before: Callable[[str], Awaitable[None]] | None = None

    async def get(self, who: Credential, path: str, answer: type[StackList]) -> StackList:
        self.asked.append(path)
        told = [one for number in self.numbers if (one := stack(number))["primaryAssetId"] in path or "?" not in path]
        if self.before is not None:
            await self.before(path)
        return answer.model_validate(told)


def lists(immich: Immich) -> StackLists:
    return StackLists(cast(ImmichClient, immich), ImmichLimits())


async def test_a_list_that_could_not_be_read_is_no_list_that_single_answers_mend() -> None:
    immich = Immich(0, 1)
    known = lists(immich)

    async def away(path: str) -> None:
        raise LibraryUnavailable("Immich does not answer", "immich")

    immich.before = away
    assert await known.of(ADA) == {}
    immich.before = None
    assert set(await known.after(ADA, [IDS[0]])) == set(IDS[:4])
    assert immich.asked == ["stacks", "stacks"]


async def test_what_was_read_whole_meanwhile_is_not_replaced_by_what_was_asked_before() -> None:
    immich = Immich(0)
    known = lists(immich)
    await known.of(ADA)
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def late(path: str) -> None:
        if "?" in path:
            asked.set()
            await may_answer.wait()

    immich.before = late
    mending = asyncio.create_task(known.after(ADA, [IDS[0]]))
    await asyncio.wait_for(asked.wait(), 10)
    immich.numbers = (0, 1, 2)
    await known.of(ADA, fresh=True)
    may_answer.set()
    await asyncio.wait_for(mending, 10)
    assert set(await known.of(ADA)) == set(IDS[:6])
