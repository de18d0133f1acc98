"""Forgets what the gateway's next start can tell anew: assets by their manifests, jobs by events."""

from __future__ import annotations

from immichvr_common.bus import Bus, read_bucket
from immichvr_common.bus.reading import Unreadable
from immichvr_common.bus.streams import KV_ASSETS, KV_JOBS, KV_STATE

from immichvr_gateway.jobs.reading import read_record
from immichvr_gateway.upkeep.tasks import READ_POSITION


async def forget_what_can_be_told_anew(bus: Bus) -> dict[str, int]:
    """Removes records of assets, and of jobs that have ended; how many, by bucket.

    Jobs that wait or run stay, and what cannot be read: a wish that waits in line is written down nowhere else. Events
    are kept for seven days, so of jobs that ended before that nothing is left. No gateway may run meanwhile. Raises
    Unavailable.
    """
    gone = {KV_ASSETS: 0, KV_JOBS: 0}
    for name in gone:
        for key, kept in (await read_bucket(bus, name)).items():
            if kept.value and (name == KV_ASSETS or _is_over(key, kept.value)):
                await bus.kv(name).delete(key)
                gone[name] += 1
    await bus.kv(KV_STATE).delete(READ_POSITION)
    return gone


def _is_over(key: str, value: bytes) -> bool:
    try:
        return read_record(key, value).state.terminal
    except Unreadable:
        return False
