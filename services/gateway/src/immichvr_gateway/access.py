"""Whether somebody may see what is said of a photo: asked of the library each time, never remembered for good."""

from __future__ import annotations

from collections.abc import Sequence

from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.library import Identity, Library, NotPermitted, PhotoNotFound


async def may_see_job(library: Library, who: Identity, job: JobRecord) -> bool:
    """Whether a person sees the photo that a job is about; True where it is about none.

    Raises LibraryUnavailable, SignInFailed.
    """
    if not job.photo_id:
        return True
    known = library.recall(who, job.photo_id)
    if known is not None:
        return known
    try:
        await library.photo(who, job.photo_id)
    except (PhotoNotFound, NotPermitted):
        return False
    return True


async def visible_jobs(library: Library, who: Identity, jobs: Sequence[JobRecord]) -> list[JobRecord]:
    """Those jobs whose photos a person sees, in the same order. Raises as `may_see_job`."""
    known = {job.photo_id: library.recall(who, job.photo_id) for job in jobs if job.photo_id}
    unknown = [photo_id for photo_id, seen in known.items() if seen is None]
    seen = await library.visible(who, unknown, singly=len(unknown)) if unknown else set()
    return [job for job in jobs if not job.photo_id or known[job.photo_id] or job.photo_id in seen]
