"""Which version the records in NATS have, and whether this release may go on with them.

Most changes need none: fields are added, and readers ignore what they do not know. The version rises with one that
has to be made to what lies there; a release says beside it which ones before it still read what it writes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from immichvr_common.bus import Bus
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Conflict, ServiceError
from immichvr_common.logs import get_log
from pydantic import BaseModel, ValidationError

log = get_log(__name__)

KEY = "records.version"

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


class VersionUnreadable(ServiceError):
    """Of what version the records are cannot be told."""


async def agree_on_version(bus: Bus, ours: Version = OURS, migrations: Mapping[int, Migration] = MIGRATIONS) -> Version:
    """Brings older records to this release's version, and leaves those of a later one that it reads; what stands there.

    Raises WrittenByLater, VersionUnreadable, Unavailable.
    """
    while True:
        kept = await bus.kv(KV_STATE).get(KEY)
        there = _read(kept.value)
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
            await bus.kv(KV_STATE).update(KEY, step.model_dump_json().encode(), last=kept.revision)
        except Conflict:
            continue  # another gateway was quicker


async def put_back_version(bus: Bus, copied: bytes | None) -> bool:
    """Has records that were put back beside those that are there be brought on from the older version of the two.

    copied: the version that came with them; None, and they are the first release's. Returns whether it was written.
    Raises VersionUnreadable, Unavailable.
    """
    kept = await bus.kv(KV_STATE).get(KEY)
    there, back = _read(kept.value), _read(copied)
    if there is None and back is None:
        return False
    back = back or Version(version=1, read_since=1)
    there = there or back
    both = Version(version=min(there.version, back.version), read_since=max(there.read_since, back.read_since))
    if kept.value is not None and both == there:
        return False
    await bus.kv(KV_STATE).update(KEY, both.model_dump_json().encode(), last=kept.revision)
    return True


def _read(value: bytes | None) -> Version | None:
    if value is None:
        return None
    try:
        return Version.model_validate_json(value)
    except ValidationError as error:
        raise VersionUnreadable(
            f"the version of the records in NATS ({KV_STATE}/{KEY}) cannot be read, so that nobody knows what is to be "
            "done to them: restore a backup into an empty NATS, or put the version there of the release that wrote them"
        ) from error
