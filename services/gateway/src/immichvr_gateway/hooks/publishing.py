"""From what happens to what is on its way: an event for each webhook that wants it, in the stream HOOKS.

Every gateway hears of everything and puts it there; the stream takes each once, for an hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from immichvr_common.bus import Bus
from immichvr_common.errors import Unavailable
from immichvr_common.retrying import until_up
from immichvr_common.supervision import Supervisor

from immichvr_gateway.assets.index import AssetEntry, AssetIndex
from immichvr_gateway.hooks.messages import Told, of_asset, of_job
from immichvr_gateway.hooks.records import HookBook
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.records import JobRecord

_AGAIN = timedelta(minutes=50)
"""What is younger may have been lost with a gateway; the stream still knows it where it was not."""


class HookPublisher:
    """Listens to jobs and assets."""

    def __init__(self, bus: Bus, book: HookBook, jobs: JobIndex, supervisor: Supervisor) -> None:
        self._bus, self._book, self._jobs, self._supervisor = bus, book, jobs, supervisor

    def on_job(self, record: JobRecord) -> None:
        """A job has changed."""
        if record.state.terminal:
            self._tell(self._of_job(record))

    def on_new_asset(self, entry: AssetEntry) -> None:
        """An asset is new."""
        self._tell(self._of_asset(entry))

    def tell_again(self, assets: AssetIndex) -> None:
        """Tells of what happened lately, which a gateway may have died over."""
        since = datetime.now(UTC) - _AGAIN
        jobs = [told for record in self._jobs if record.updated_at > since for told in self._of_job(record)]
        entries = [entry for _, found in assets for entry in found if entry.made_at.astimezone(UTC) > since]
        self._tell([*jobs, *(told for entry in entries for told in self._of_asset(entry))])

    def _of_asset(self, entry: AssetEntry) -> list[Told]:
        return [of_asset(entry, user) for user in self._listening(self._jobs.requesters_of(entry.source))]

    def _of_job(self, record: JobRecord) -> list[Told]:
        return [told for user in self._listening(record.requesters) if (told := of_job(record, user)) is not None]

    def _listening(self, users: Iterable[str]) -> list[str]:
        """Who of them may have a webhook."""
        return [user for user in users if not self._book.has_none(user)]

    def _tell(self, events: Sequence[Told]) -> None:
        if events:
            self._supervisor.errand("webhooks", self._put_all(events))

    async def _put_all(self, events: Sequence[Told]) -> None:
        for told in events:
            await self._put(told)

    async def _put(self, told: Told) -> None:
        async def put() -> None:
            for hook in await self._book.who_wants(told.user_id, told.type):
                own = told.model_copy(update={"hook_id": hook.id})
                subject = f"hooks.{own.user_id}.{hook.id}"
                await self._bus.publish(subject, own.model_dump_json().encode(), {"Nats-Msg-Id": f"{own.id}.{hook.id}"})

        await until_up(put, "webhooks wait for NATS", outage=(Unavailable,))
