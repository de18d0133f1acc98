"""Two gateways before one NATS: everybody is told wherever they hang on, once, and who comes back what they missed."""

import asyncio
from datetime import UTC, datetime

import pytest
import socketio
from immichvr_common.bus.streams import DEAD, KV_JOBS
from immichvr_gateway.assets.index import AssetIndex
from immichvr_gateway.events.ledger import Ledger
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.projection import Position
from immichvr_gateway.jobs.records import JobRecord


class Client:
    """A viewer that remembers up to where it has heard everything."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict]] = []
        self.at = ""
        self._news = asyncio.Event()

    async def connect(self, gateway) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        for event in ("job:update", "asset:created", "asset:deleted", "news:at", "news:reload"):
            self.client.on(event, self._hears(event))
        await self.client.connect(
            gateway.url, auth={"since": self.at} if self.at else None, transports=["websocket"],
            socketio_path="/api/socket.io", retry=False,
        )  # fmt: skip

    def _hears(self, event: str):
        async def hear(news: dict) -> None:
            self.heard.append((event, news))
            self.at = news["id"] if event == "news:at" else self.at
            self._news.set()

        return hear

    async def until(self, is_so) -> None:
        async with asyncio.timeout(30):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    def states(self, job_id: str) -> list[str]:
        return [news["state"] for event, news in self.heard if event == "job:update" and news["id"] == job_id]

    async def leave(self) -> None:
        await self.client.disconnect()
        self.heard.clear()


@pytest.fixture
async def two(serving, settings, gateway):
    async with serving(settings.model_copy(update={"port": 0})) as other:
        other.ids = gateway.ids
        yield gateway, other


async def test_everybody_is_told_whichever_gateway_they_hang_on_and_each_event_is_projected_once(
    two, workers, empty_bus
) -> None:
    one, other = two
    client = Client()
    await client.connect(other)
    made = (await one.post("beach.jpg", "splat", quality="light")).json()["job"]
    broken = (await one.post("fail-fog.jpg", "depth")).json()["job"]
    await client.until(lambda: "succeeded" in client.states(made["id"]) and "failed" in client.states(broken["id"]))
    await client.until(lambda: any(event == "asset:created" for event, _ in client.heard))
    async with one.listening() as listening:
        if (await one.get(f"/api/jobs/{made['id']}")).json()["state"] != "succeeded":
            await listening.job(made["id"])
    assert client.states(made["id"]).count("succeeded") == client.states(broken["id"]).count("failed") == 1
    assert await empty_bus.subjects(DEAD, f"dead.depth.{broken['id']}")
    letters = (await empty_bus.js.stream_info(DEAD, subjects_filter=f"dead.depth.{broken['id']}")).state.subjects
    assert letters == {f"dead.depth.{broken['id']}": 1}
    published = await empty_bus.js.stream_info("EVENTS", subjects_filter="events.gateway.published.>")
    assert [count for subject, count in published.state.subjects.items() if "convert" in subject][-1] == 1
    stored = JobRecord.model_validate_json((await (await empty_bus.js.key_value(KV_JOBS)).get(made["id"])).value)
    assert (stored.state, stored.run) == ("succeeded", 1)
    await client.leave()


async def test_who_comes_back_to_another_gateway_hears_what_they_missed_and_no_more(two, workers) -> None:
    one, other = two
    client = Client()
    await client.connect(one)
    before = (await one.post("beach.jpg", "depth")).json()["job"]
    await client.until(lambda: "succeeded" in client.states(before["id"]))
    place = client.at
    await client.until(lambda: client.at != place)
    await client.leave()
    missed = (await one.post("hut.png", "depth")).json()["job"]
    watching = Client()
    await watching.connect(other)
    await watching.until(lambda: "succeeded" in watching.states(missed["id"]))
    await watching.until(lambda: any(event == "asset:created" for event, _ in watching.heard))
    await client.connect(other)
    await client.until(lambda: client.states(missed["id"]) == ["succeeded"])
    await client.until(lambda: any(event == "asset:created" for event, _ in client.heard))
    assert "news:reload" not in {event for event, _ in client.heard}
    for each in (client, watching):
        await each.leave()


async def test_everybody_is_told_where_they_are_at_once_and_when_they_have_heard_what_came_since(two, workers) -> None:
    one, other = two
    first, second = Client(), Client()
    await first.connect(one)
    await first.until(lambda: first.at)
    assert first.heard[0] == ("news:at", {"id": first.at})
    began = first.at
    made = (await one.post("beach.jpg", "depth")).json()["job"]
    await first.until(lambda: "succeeded" in first.states(made["id"]))
    await first.until(lambda: first.heard[-1][0] == "news:at" and _number(first.at) > _number(began))
    await second.connect(other)
    async with asyncio.timeout(30):
        while second.at != first.at:  # noqa: ASYNC110  # whoever is behind is told a moment later
            await asyncio.sleep(0.01)
    told = [_number(news["id"]) for event, news in first.heard if event == "news:at"]
    assert told == sorted(set(told)), "each place once, and none before the last"
    for each in (first, second):
        await each.leave()


def _number(place: str) -> int:
    return int(place.rpartition("-")[2])


async def test_whoever_was_away_for_too_long_is_told_to_read_everything_anew(gateway) -> None:
    client = Client()
    for place in ("1-1", "nonsense"):
        client.at = place
        await client.connect(gateway)
        await client.until(lambda: any(event == "news:reload" for event, _ in client.heard))
        await client.leave()


class At:
    """A reader that is somewhere."""

    def __init__(self, seq: int, begun) -> None:
        self.place = Position(seq=seq, begun=begun)


def test_what_is_missed_is_bounded_and_belongs_to_one_stream(jobs_of) -> None:
    jobs = JobIndex()
    ledger = Ledger(jobs, AssetIndex())
    assert ledger.place == ""
    at = At(100, jobs_of.begun)
    ledger.begin(at)
    place = ledger.place
    for record in jobs_of(600):
        jobs.put(record)
    for number, record in enumerate(jobs):
        at.place = Position(seq=200 + number, begun=jobs_of.begun)
        ledger.note_job(record.id)
    assert ledger.missed(place, "ann") is None
    assert ledger.missed(place, "bob") == []
    missed = ledger.missed(ledger.place, "ann")
    assert missed is not None and 1 <= len(missed) <= 65
    assert ledger.missed(f"9{ledger.place}", "ann") is None
    assert ledger.missed(place.replace("-100", "-99"), "ann") is None


@pytest.fixture
def jobs_of():
    class Made:
        begun = datetime(2026, 1, 1, tzinfo=UTC)

        def __call__(self, count: int) -> list[JobRecord]:
            return [
                JobRecord(
                    id=f"model-load-{number}", kind="model-load", requesters=["ann"], created_at=self.begun,
                    updated_at=self.begun,
                )
                for number in range(count)
            ]  # fmt: skip

    return Made()
