"""Any source as work is done on it now, for whoever may see it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from immichvr_catalog import OF_LIBRARIES, SCENE, SET
from immichvr_common.sources import Source

from immichvr_gateway.http.problems import not_found
from immichvr_gateway.library import Identity, Library, PhotoNotFound
from immichvr_gateway.library.photos import version_of
from immichvr_gateway.requests.reconstruct import scene_version
from immichvr_gateway.requests.spec import SourceVersion
from immichvr_gateway.resources import Resources

_ASKED_AT_ONCE = 8


async def source_version(here: Resources, who: Identity, source: Source, *, fresh: bool = True) -> SourceVersion:
    """A source as it is now. fresh: the library is asked anew. Raises Problem (404), library errors, Unavailable."""
    if source.kind in OF_LIBRARIES:
        return SourceVersion.of_item(await here.library.item(who, source, fresh=fresh))
    leaves = await here.composites.leaves(source) if await here.visibility.may_see(who, source) else None
    if leaves is None:
        raise not_found(f"there is no {source.kind} {source.id!r}, or you may not see it")
    if source.kind == SET:
        return _of_set(source, await members(here.library, who, leaves, fresh=fresh))
    return scene_version(source.id, source.id) if source.kind == SCENE else SourceVersion(source, "", source.id)


async def members(
    library: Library, who: Identity, photos: Sequence[Source], *, fresh: bool = True
) -> tuple[SourceVersion, ...]:
    """Photos as they are now, in their order. fresh: the library is asked anew.

    Raises Problem (404) naming one that is gone, library errors.
    """
    room = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def one(photo: Source) -> SourceVersion:
        async with room:
            try:
                return SourceVersion.of_item(await library.item(who, photo, fresh=fresh))
            except PhotoNotFound as error:
                raise not_found(
                    f"of these photos, {photo.id!r} is not there any more, or you may not see it; take the others"
                ) from error

    asking = [asyncio.ensure_future(one(photo)) for photo in photos]
    try:
        return tuple(await asyncio.gather(*asking))
    finally:
        for task in asking:
            task.cancel()


def _of_set(source: Source, photos: tuple[SourceVersion, ...]) -> SourceVersion:
    name = photos[0].name if len(photos) == 1 else f"{photos[0].name} and {len(photos) - 1} more"
    return SourceVersion(source, version_of(*(one.version for one in photos)), name, members=photos)
