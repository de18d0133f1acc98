"""Where a job is queued: the service that does it, and the pool of that service."""

from __future__ import annotations

from collections.abc import Callable

from immichvr_catalog import CLASSES, KINDS, SERVICES
from immichvr_common.bus import job_subject

from immichvr_gateway.http.problems import not_accepted

AWAITED, BATCH = CLASSES
"""Classes of jobs: what somebody waits for overtakes what nobody does."""


def queue_of(
    kind: str, job_id: str, pool_of: Callable[[str], str], runs_model: str = "", job_class: str = AWAITED
) -> str:
    """The subject of a job; by default of one that somebody waits for.

    pool_of: the pool that a service's jobs go to where a GPU is of use for them. runs_model: for a job about a model,
    the service that runs that one. Raises Problem for a kind of job that there is not, or a service that runs no
    models: nobody could do it.
    """
    if (known := KINDS.get(kind)) is None:
        raise not_accepted("kind", kind, list(KINDS))
    service = SERVICES[known.service]
    if known.is_of_model and runs_model:
        running = {name: one for name, one in SERVICES.items() if one.runs_models}
        if runs_model not in running:
            raise not_accepted("service", runs_model, list(running))
        service = running[runs_model]
    return job_subject(service.subject, known.pool(pool_of(service.name)), job_class, kind, job_id)


def awaited(subject: str) -> str:
    """The subject of the same job once somebody waits for it."""
    words = subject.split(".")
    return ".".join([*words[:3], AWAITED, *words[4:]])


def class_of(subject: str) -> str:
    """The class of the job that lies under a subject."""
    words = subject.split(".")
    return words[3] if len(words) == 6 else AWAITED
