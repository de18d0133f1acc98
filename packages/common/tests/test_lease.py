"""How long a job is a worker's: a clock that the test sets, and a message without a server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from immichvr_common.bus.link import Link
from immichvr_common.errors import Unavailable
from immichvr_common.lease import Lease

LONG_S, SHORT_S = 30.0, 0.03


class Client:
    """The NATS client, as far as whether it is connected goes."""

    def __init__(self) -> None:
        self.is_connected = True


class Message:
    """A delivered message. is_refused: no renewal reaches the server, though the connection stands."""

    def __init__(self) -> None:
        self.link, self.client = Link(), Client()
        self.link.client = self.client
        self.renewed, self.refused, self.is_refused = asyncio.Event(), asyncio.Event(), False

    async def renew(self) -> None:
        if self.is_refused:
            self.refused.set()
            raise Unavailable("away", down="nats")
        self.renewed.set()


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@contextlib.asynccontextmanager
async def kept(lease: Lease) -> AsyncIterator[None]:
    keeper = asyncio.create_task(lease.keep())
    yield
    assert not keeper.done()
    keeper.cancel()


def lease_on(message: Message, ack_wait_s: float, clock: Clock) -> Lease:
    return Lease(message, ack_wait_s, clock)  # type: ignore[arg-type]  # all that a lease needs of a delivery


def test_a_lease_is_held_for_its_time_and_lost_for_good_after_it() -> None:
    clock = Clock()
    lease = lease_on(Message(), LONG_S, clock)
    clock.now += 30
    assert lease.held
    clock.now += 0.1
    assert not lease.held
    clock.now -= 60
    assert not lease.held


def test_a_lease_that_was_lost_is_held_again_once_the_job_is_delivered_again() -> None:
    clock = Clock()
    lease = lease_on(Message(), LONG_S, clock)
    clock.now += 31
    assert not lease.held
    lease.adopt(Message())  # type: ignore[arg-type]  # as above
    assert lease.held
    clock.now += 30
    assert lease.held


async def test_a_lease_that_is_renewed_lasts_and_one_that_was_slept_through_is_not_renewed() -> None:
    clock, message = Clock(), Message()
    lease = lease_on(message, SHORT_S, clock)
    async with kept(lease):
        clock.now += 0.02
        await asyncio.wait_for(message.renewed.wait(), 5)
        clock.now += 0.02
        assert lease.held
        clock.now += 60
        message.renewed.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(message.renewed.wait(), 0.1)
        assert not lease.held


async def test_a_worker_that_is_cut_off_believes_that_nobody_else_has_its_job() -> None:
    clock, message = Clock(), Message()
    message.client.is_connected = False
    lease = lease_on(message, SHORT_S, clock)
    async with kept(lease):
        for _ in range(5):
            await asyncio.sleep(SHORT_S)
            clock.now += SHORT_S * 0.9
            assert lease.held
    assert not message.renewed.is_set()


async def test_a_renewal_that_does_not_arrive_neither_ends_the_lease_nor_its_keeper() -> None:
    clock, message = Clock(), Message()
    message.is_refused = True
    lease = lease_on(message, SHORT_S, clock)
    async with kept(lease):
        for _ in range(2):
            await asyncio.wait_for(message.refused.wait(), 5)
            message.refused.clear()
        assert lease.held
        message.is_refused = False
        await asyncio.wait_for(message.renewed.wait(), 5)


async def test_a_server_that_comes_back_hears_of_the_job_at_once() -> None:
    message = Message()
    message.client.is_connected = False
    async with kept(lease_on(message, 3600, Clock())):
        await asyncio.sleep(0)
        message.client.is_connected = True
        await message.link.back()
        await asyncio.wait_for(message.renewed.wait(), 1)
