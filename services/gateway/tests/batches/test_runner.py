"""A batch goes on a few jobs at a time, through restarts and whatever people say meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest
from immichvr_common.bus import Bus
from immichvr_common.errors import Unavailable
from immichvr_gateway.batches.estimating import Estimator
from immichvr_gateway.batches.orders import BatchOrders
from immichvr_gateway.batches.records import Batch, BatchState, BatchWanted, Estimate
from immichvr_gateway.batches.runner import ABSENT, BatchRunner, Bounds
from immichvr_gateway.batches.store import BatchStore
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.records import Answer, JobError, JobRecord, State
from immichvr_gateway.library import Identity, LibraryPhoto, PhotoNotFound
from immichvr_gateway.library.browsing import Selection
from immichvr_gateway.library.photos import Page

ANN = Identity.local()


def photo(name: str, favorite: bool = False) -> LibraryPhoto:
    return LibraryPhoto(
        id=name, name=f"{name}.jpg", media_type="image/jpeg", width=8, height=6,
        taken_at=datetime(2026, 1, 1, tzinfo=UTC), source_version="v1", external_url=None, size=1, favorite=favorite,
    )  # fmt: skip


@dataclass
class Photos:
    """A library of favourites and others, in pages of three."""

    items: list[LibraryPhoto]
    pages: int = 0

    @property
    def browsing(self) -> Any:
        return self

    async def memories(self, who: Identity, day: date) -> list[Any]:
        return []

    async def people(self, who: Identity, cursor: str | None, limit: int) -> Page[Any]:
        return Page([], None)

    async def select(self, who: Identity, selection: Selection, cursor: str | None, limit: int) -> Page[LibraryPhoto]:
        self.pages += 1
        found = [one for one in self.items if one.favorite or not selection.favorite]
        start = int(cursor or 0)
        return Page(found[start : start + 3], str(start + 3) if start + 3 < len(found) else None)

    async def item(self, who: Identity, item: Any, *, fresh: bool = False) -> LibraryPhoto:
        return next(one for one in self.items if one.id == item.id)


@dataclass
class Makers:
    """Takes what is asked for; `finish` does it."""

    index: JobIndex
    asked: list[str] = field(default_factory=list)
    there: set[str] = field(default_factory=set)
    refuse: Exception | None = None

    async def ask(self, kind: str, request: Any, of: Any, who: Any) -> Answer:
        if self.refuse is not None:
            raise self.refuse
        assert (who.job_class, who.origin.partition(".")[0]) == ("batch", "batch")
        self.asked.append(of.source.id)
        now = datetime.now(UTC)
        record = JobRecord(
            id=f"{kind}-{of.source.id}-r", kind=kind, source=of.source, requesters=[who.user_id], created_at=now,
            updated_at=now, origin=who.origin,
        )  # fmt: skip
        if of.source.id in self.there:
            return Answer(record.model_copy(update={"state": State.SUCCEEDED}), done=True)
        self.index.put(record)
        return Answer(record, done=False)

    def finish(self, *failing: str, state: State = State.SUCCEEDED) -> None:
        for record in self.index.under_way():
            record.state = state
            if record.source is not None and record.source.id in failing:
                record.state, record.error = State.FAILED, JobError(code="poison", message="it broke")


@dataclass
class House:
    """A gateway's batches."""

    store: BatchStore
    runner: BatchRunner
    orders: BatchOrders
    makers: Makers
    withdrawn: list[str]
    trimmed: list[str]

    async def begin(self, **wanted: Any) -> Batch:
        made, _ = await self.orders.make(ANN, BatchWanted(start=True, kind="depth", **wanted))
        return made

    async def step(self, batch: Batch) -> Batch:
        await self.runner.step(batch.id)
        found = self.store.get(batch.id)
        assert found is not None
        return found


@pytest.fixture
def keys() -> dict[str, Identity | None]:
    return {"local": ANN}


@pytest.fixture
def library() -> Photos:
    return Photos([photo(f"p{n:02}", favorite=n in (20, 30)) for n in range(40)])


@pytest.fixture
def opened(empty_bus: Bus, library: Photos, keys) -> Callable[..., Any]:
    """Opens a gateway's batches; another one knows what is in KV alone."""

    class Keys:
        async def of(self, user_id: str) -> Identity | None:
            return keys[user_id]

    async def open_house(index: JobIndex | None = None) -> House:
        index = index or JobIndex()
        store, makers = BatchStore(empty_bus), Makers(index)
        await store.load()
        withdrawn, trimmed = list[str](), list[str]()

        async def trim(record: JobRecord) -> None:
            trimmed.append(record.id)

        async def withdraw(record: JobRecord, user_id: str) -> None:
            withdrawn.append(record.id)
            record.state = State.CANCELLED

        class Guess(Estimator):
            async def estimate(self, who: Identity, wanted: BatchWanted, today: date) -> Estimate:
                return Estimate(items=40, is_at_least=False, to_make=40, hours=None, gigabytes=None)

        unused: Any = None
        orders = BatchOrders(store, Guess(unused, unused, unused, unused, unused))
        bounds = Bounds(lambda: False, lambda user: 0, None)
        runner = BatchRunner(empty_bus, store, makers, index, library, Keys(), bounds, trim, withdraw)  # type: ignore[arg-type]
        return House(store, runner, orders, makers, withdrawn, trimmed)

    return open_house


async def test_a_batch_makes_everything_once_favourites_first_and_a_few_at_a_time(opened, library) -> None:
    house = await opened()
    batch = await house.begin()
    batch = await house.step(batch)
    assert house.makers.asked[:3] == ["p20", "p30", "p00"] and len(batch.open) == 16
    while batch.state is BatchState.RUNNING:
        house.makers.finish()
        batch = await house.step(batch)
    assert sorted(house.makers.asked) == sorted(one.id for one in library.items)
    assert (batch.counts.looked_at, batch.counts.made, batch.open) == (40, 40, [])


async def test_a_batch_goes_on_at_another_gateway_where_it_was(opened) -> None:
    first = await opened()
    batch = await first.step(await first.begin())
    second = await opened(first.makers.index)
    first.makers.finish()
    for _ in range(4):
        batch = await second.step(batch)
        second.makers.finish()
    batch = await second.step(batch)
    assert (batch.state, batch.counts.made) == (BatchState.DONE, 40)
    assert len(set(first.makers.asked) & set(second.makers.asked)) == 0


async def test_a_gateway_that_dies_before_it_has_written_down_what_it_asked_for_doubles_nothing(
    opened, monkeypatch
) -> None:
    first = await opened()
    batch = await first.begin()

    async def dies(*_: object) -> None:
        raise Unavailable("dead", down="nats")

    with monkeypatch.context() as death:
        death.setattr(first.store, "change", dies)
        with pytest.raises(Unavailable):
            await first.runner.step(batch.id)
    second = await opened(first.makers.index)
    batch = await second.step(batch)
    assert second.makers.asked == first.makers.asked
    assert len(batch.open) == len(first.makers.index) == 16


async def test_what_exists_is_counted_and_not_made(opened) -> None:
    house = await opened()
    house.makers.there = {f"p{n:02}" for n in range(10, 40)}
    batch = await house.begin()
    for _ in range(3):
        batch = await house.step(batch)
        house.makers.finish()
    batch = await house.step(batch)
    assert (batch.state, batch.counts.made, batch.counts.existing) == (BatchState.DONE, 10, 30)


async def test_a_batch_that_pauses_begins_nothing_more_and_counts_what_is_under_way(opened) -> None:
    house = await opened()
    batch = await house.step(await house.begin())
    await house.orders.pause(batch)
    house.makers.finish()
    batch = await house.step(batch)
    assert (batch.state, batch.counts.made, batch.open, len(house.makers.asked)) == (BatchState.PAUSED, 16, [], 16)
    await house.orders.start(batch)
    assert len((await house.step(batch)).open) == 16
    estimated, _ = await house.orders.make(ANN, BatchWanted(kind="depth"))
    with pytest.raises(Problem, match="is estimated"):
        await house.orders.pause(estimated)


async def test_a_batch_that_is_cancelled_takes_back_what_is_under_way(opened) -> None:
    house = await opened()
    batch = await house.step(await house.begin())
    await house.orders.cancel(batch)
    await house.step(batch)
    batch = await house.step(batch)
    assert (batch.state, batch.open, batch.counts.skipped) == (BatchState.CANCELLED, [], 16)
    assert len(house.withdrawn) == 16


async def test_what_is_said_while_a_step_goes_on_is_not_written_over(opened, monkeypatch) -> None:
    house = await opened()
    batch = await house.begin()
    ask = house.makers.ask

    async def pausing(*request: Any) -> Answer:
        if len(house.makers.asked) == 3:
            await house.orders.pause(batch)
        return await ask(*request)

    monkeypatch.setattr(house.makers, "ask", pausing)
    stands = await house.step(batch)
    assert (stands.state, len(stands.open)) == (BatchState.PAUSED, 16)


async def test_failures_are_told_and_tried_again(opened) -> None:
    house = await opened()
    batch = await house.begin()
    while batch.state is BatchState.RUNNING:
        batch = await house.step(batch)
        house.makers.finish("p05", "p07")
    assert (batch.counts.failed, batch.counts.made) == (2, 38)
    assert [(one.source_id, one.code, one.message) for one in batch.failures] == [
        ("p05", "poison", "it broke"), ("p07", "poison", "it broke"),
    ]  # fmt: skip
    batch = await house.orders.retry(batch)
    assert (batch.state, batch.counts.failed, batch.failures) == (BatchState.RUNNING, 0, [])
    while batch.state is BatchState.RUNNING:
        batch = await house.step(batch)
        house.makers.finish()
    assert house.makers.asked[-2:] == ["p05", "p07"]
    assert (batch.counts.failed, batch.counts.made) == (0, 40)


async def test_what_cannot_be_made_at_all_is_a_failure_and_what_must_wait_waits(opened, keys) -> None:
    house = await opened()
    batch = await house.begin()
    house.makers.refuse = Problem(429, "too_many_jobs", "2000 jobs are waiting already")
    batch = await house.step(batch)
    assert (batch.waits, batch.counts.failed) == ("2000 jobs are waiting already", 0)
    house.makers.refuse = Problem(403, "licence_required", "nobody accepted it")
    batch = await house.step(batch)
    assert batch.counts.failed > 0 and batch.failures[0].code == "licence_required"
    keys["local"] = None
    assert (await house.step(batch)).waits == ABSENT


async def test_an_album_that_is_gone_is_said_and_stops_no_other_batch(opened, library, monkeypatch) -> None:
    house = await opened()
    gone = await house.begin(filter={"album": "gone"})
    other = await house.begin()
    select = library.select

    async def without_it(who: Identity, selection: Selection, *rest: Any) -> Page[LibraryPhoto]:
        if selection.album == "gone":
            raise PhotoNotFound("gone")
        return await select(who, selection, *rest)

    monkeypatch.setattr(library, "select", without_it)
    assert (await house.step(gone)).waits.startswith("what it is made of cannot be looked through")
    assert len((await house.step(other)).open) == 16


async def test_previews_alone_are_kept_of_what_a_batch_made(opened) -> None:
    house = await opened()
    made, _ = await house.orders.make(ANN, BatchWanted(start=True, preview_only=True))
    assert made.wanted.params() == {"quality": "light"}
    batch = await house.step(made)
    house.makers.finish()
    await house.step(batch)
    assert len(house.trimmed) == 16


@pytest.mark.parametrize(
    "facts", [{"origin": ""}, {"origin": "batch.another"}, {"requesters": ["local", "bob"]}, {"kind": "convert"}]
)
async def test_of_what_others_want_too_or_what_was_there_before_all_is_kept(opened, facts: dict[str, Any]) -> None:
    house = await opened()
    made, _ = await house.orders.make(ANN, BatchWanted(start=True, preview_only=True))
    batch = await house.step(made)
    for record in house.makers.index.under_way():
        for name, value in facts.items():
            setattr(record, name, value)
    house.makers.finish()
    batch = await house.step(batch)
    assert (batch.counts.made, house.trimmed) == (16, [])


async def test_of_thousands_of_failures_the_latest_hundred_are_kept(opened, library) -> None:
    library.items = [photo(f"p{n:03}") for n in range(250)]
    house = await opened()
    batch = await house.begin()
    house.makers.refuse = Problem(422, "invalid_image", "no picture comes of it")
    while batch.state is BatchState.RUNNING:
        batch = await house.step(batch)
    assert (batch.counts.failed, len(batch.failures)) == (250, 100)


async def test_a_job_that_was_deleted_meanwhile_keeps_no_batch_from_its_end(opened) -> None:
    house = await opened()
    batch = await house.begin()
    while batch.state is BatchState.RUNNING:
        batch = await house.step(batch)
        for record in house.makers.index.under_way():
            if record.source is not None and record.source.id == "p05":
                house.makers.index.remove(record.id)
        house.makers.finish()
    assert (batch.state, batch.counts.made, batch.counts.skipped) == (BatchState.DONE, 39, 1)


async def test_a_signal_is_heard_at_every_gateway(opened) -> None:
    house = await opened()
    batch, secret = await house.orders.make(ANN, BatchWanted(start=True, kind="depth", waits_for_signal=True))
    assert (await house.step(batch)).waits == "it waits for a signal that says now"
    assert batch.knows(secret) and not batch.knows("guess") and not replace_secret(batch).knows("")
    other = await opened(house.makers.index)
    await other.orders.signal(batch, True, None)
    await house.store.load()
    assert (await house.step(batch)).waits == ""


def replace_secret(batch: Batch) -> Batch:
    return batch.model_copy(update={"secret": ""})
