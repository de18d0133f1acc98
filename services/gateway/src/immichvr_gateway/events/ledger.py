"""What has become different since a place in the stream of events, so that whoever comes back hears what they missed.

Every gateway reads the same stream, so that a place means the same at each of them. What is told is how things are now;
being told of one thing twice changes nothing.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from immichvr_common.sources import Source

from immichvr_gateway.assets.index import AssetIndex
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.projection import Position

_KEPT = 10_000
_MOST_TOLD = 500
_SLACK = 64
"""Another gateway may have been behind by so many events."""
_PLACE = re.compile(r"(\d{1,20})-(\d{1,19})")


class Reading(Protocol):
    """How far events are read."""

    @property
    def place(self) -> Position: ...


@dataclass(frozen=True)
class Missed:
    """One thing to be told: the event, what tells it from others, its payload, and the source it is about."""

    event: str
    about: str
    news: dict[str, Any]
    source: Source | None


class Ledger:
    """Remembers at which place each job and asset has changed last; the latest thousands of them."""

    def __init__(self, jobs: JobIndex, assets: AssetIndex) -> None:
        self._jobs, self._assets = jobs, assets
        self._reading: Reading | None = None
        self._floor = 0
        # A job's id, or a source and the key of its asset.
        self._changed: OrderedDict[str | tuple[Source, str], int] = OrderedDict()

    def begin(self, reading: Reading) -> None:
        """From here on places are known."""
        self._reading, self._floor = reading, reading.place.seq

    @property
    def place(self) -> str:
        """Where this gateway is, as clients are told; empty while it is nowhere yet."""
        place = self._reading.place if self._reading is not None else Position()
        return "" if place.begun is None else f"{int(place.begun.timestamp() * 1000)}-{place.seq}"

    def note_job(self, job_id: str) -> None:
        """A job has changed."""
        self._note(job_id)

    def note_asset(self, source: Source, asset_key: str) -> None:
        """An asset is new, has changed, or is gone."""
        self._note((source, asset_key))

    def missed(self, since: str, user_id: str) -> list[Missed] | None:
        """What somebody has to be told who heard everything up to a place; None where all has to be read anew."""
        found, here = _PLACE.fullmatch(since), _PLACE.fullmatch(self.place)
        if found is None or here is None or found[1] != here[1] or int(found[2]) < self._floor:
            return None
        after = int(found[2]) - _SLACK
        missed: list[Missed] = []
        for name in [name for name, at in self._changed.items() if at >= after]:
            missed += self._job(name, user_id) if isinstance(name, str) else self._asset(*name, user_id)
            if len(missed) > _MOST_TOLD:
                return None
        return missed

    def _job(self, job_id: str, user_id: str) -> Iterator[Missed]:
        record = self._jobs.get(job_id)
        if record is not None and user_id in record.requesters:
            yield Missed("job:update", job_id, record.view(user_id).model_dump(mode="json"), record.source)

    def _asset(self, source: Source, asset_key: str, user_id: str) -> Iterator[Missed]:
        if user_id not in self._jobs.requesters_of(source):
            return
        named = {"source": asdict(source), "photo_id": source.photo_id}
        if self._assets.get(source, asset_key) is None:
            yield Missed("asset:deleted", asset_key, {**named, "key": asset_key}, source)
        else:
            yield Missed("asset:created", asset_key, named, source)

    def _note(self, name: str | tuple[Source, str]) -> None:
        if self._reading is None:
            return
        self._changed[name] = self._reading.place.seq
        self._changed.move_to_end(name)
        if len(self._changed) > _KEPT:
            _, at = self._changed.popitem(last=False)
            self._floor = max(self._floor, at + _SLACK + 1)
