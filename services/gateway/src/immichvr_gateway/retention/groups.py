"""What a listing of storage tells, by the asset it belongs to: {root}/{id of the source}_{model}/{recipe}/…."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator

from immichvr_common.storage import Listed, ObjectStore


async def whole_groups(store: ObjectStore, root: str, after: str = "") -> AsyncIterator[list[Listed]]:
    """Goes through one top-level prefix, a page at a time; no group is torn. Raises Unavailable."""
    left: list[Listed] = []
    async for page in store.walk(f"{root}/", after):
        whole, left = _torn_off([*left, *page])
        yield whole
    yield left


def grouped(listed: list[Listed]) -> dict[str, list[Listed]]:
    """Objects by the folder of their asset, in all its recipes."""
    groups: dict[str, list[Listed]] = defaultdict(list)
    for one in listed:
        # What lies elsewhere is not ours to judge.
        if len(one.key.split("/")) >= 4 and "_" in _group_of(one):
            groups[_group_of(one)].append(one)
    return groups


def _torn_off(listed: list[Listed]) -> tuple[list[Listed], list[Listed]]:
    """Those of groups that are there to their end, and those of the last, of which more may follow."""
    last = _group_of(listed[-1]) if listed else ""
    cut = next((at for at, one in enumerate(listed) if _group_of(one) == last), 0)
    return listed[:cut], listed[cut:]


def _group_of(listed: Listed) -> str:
    return "/".join(listed.key.split("/", 2)[:2])
