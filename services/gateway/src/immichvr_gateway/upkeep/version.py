"""Which version the records in NATS have, and whether this release may go on with them.

Most changes need none: fields are added, and readers ignore what they do not know. The version rises with one that
has to be made to what lies there; a release says beside it which ones before it still read what it writes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from immichvr_common.bus import Bus
from immichvr_common.bus.kv import Kept
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Conflict, ServiceError
from immichvr_common.logs import get_log
from pydantic import BaseModel, ValidationError

log = get_log(__name__)

_KEY = "records.version"

Migration = Callable[[Bus], Awaitable[None]]
"""Makes of records of one version those of the next. May be interrupted, run again, and run by two gateways at once."""


class Version(BaseModel):
    """version: of the records. read_since: the lowest version of a release that reads them."""

    version: int
    read_since: int


OURS = Version(version=1, read_since=1)
"""What this release writes."""
MIGRATIONS: Mapping[int, Migration] = {}
"""From the version to the next; none has been needed so far."""


class WrittenByLater(ServiceError):
    """The records are of a later release, and this one does not read them."""


async def agree_on_version(bus: Bus, ours: Version = OURS, migrations: Mapping[int, Migration] = MIGRATIONS) -> Version:
    """Brings older records to this release's version, and leaves those of a later one that it reads; what stands there.

    Raises WrittenByLater, Unavailable.
    """
    while True:
        kept = await bus.kv(KV_STATE).get(_KEY)
        there = _read(kept)
        if there is not None and there.read_since > ours.version:
            raise WrittenByLater(
                f"records in NATS are of version {there.version}, which releases from {there.read_since} on read, and "
                f"this one is of {ours.version}: run the later release, or restore a backup made before it"
            )
        if there is not None and there.version >= ours.version:
            return there
        # Who wrote none is the first release, or nobody yet.
        since = there.version if there is not None else 1
        if since < ours.version:
            log.info("records are brought to the next version", version=since + 1)
            await migrations[since](bus)
        step = ours if since + 1 >= ours.version else Version(version=since + 1, read_since=since + 1)
        try:
            await bus.kv(KV_STATE).update(_KEY, step.model_dump_json().encode(), last=kept.revision)
        except Conflict:
            continue  # another gateway was quicker


def _read(kept: Kept) -> Version | None:
    if kept.value is None:
        return None
    try:
        return Version.model_validate_json(kept.value)
    except ValidationError:
        log.warning("the version of records cannot be read; it is written anew")
        return None
