"""Jobs that may have killed a worker run alone."""

import asyncio

import pytest
from immichvr_common.shared_lock import SharedLock


async def test_who_is_alone_waits_for_those_inside_and_keeps_new_ones_out() -> None:
    gate, order = SharedLock(), list[str]()
    leave = asyncio.Event()

    async def together(name: str) -> None:
        async with gate.shared():
            order.append(name)
            await leave.wait()

    async def alone() -> None:
        async with gate.alone():
            order.append("alone")

    first = asyncio.create_task(together("first"))
    await asyncio.sleep(0)
    second = asyncio.create_task(alone())
    await asyncio.sleep(0)
    third = asyncio.create_task(together("third"))
    await asyncio.sleep(0)
    assert order == ["first"]
    leave.set()
    await asyncio.gather(first, second, third)
    assert order == ["first", "alone", "third"]


async def test_giving_up_the_wait_to_be_alone_lets_the_others_in_again() -> None:
    gate = SharedLock()
    async with gate.shared():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), gate.alone():
                pass
    async with asyncio.timeout(1), gate.shared(), gate.shared():
        pass
