"""Jobs about models themselves: fetching, deleting, loading and unloading them, told as it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from google.protobuf import json_format
from immichvr.ai.v1.ai_pb2 import ModelParams
from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Report, Task
from immichvr_common.telling import tell
from immichvr_models import Cache, DownloadError, Model, Progress

from immichvr_ai.errors import ModelError, ModelUnavailable, UnknownModel
from immichvr_ai.networks import NETWORKS
from immichvr_ai.runtime import RUNTIME

DOWNLOAD, DELETE, LOAD, UNLOAD = "model-download", "model-delete", "model-load", "model-unload"
MODEL_JOBS = frozenset({DOWNLOAD, DELETE, LOAD, UNLOAD})
ASIDE = frozenset({DOWNLOAD, DELETE, UNLOAD})
"""Those that need no network in memory, so that they run beside a photo that is being worked on."""

OnProgress = Callable[[Progress], None]


def perform_model_job(task: Task, report: Report, cache: Cache) -> None:
    """Does one of MODEL_JOBS; cache: of this worker. Raises UnknownModel, ModelUnavailable, InvalidRequest."""
    params = json_format.ParseDict(task.params, ModelParams(), ignore_unknown_fields=True)
    if params.key not in cache.registry:
        raise UnknownModel(f"there is no model {params.key!r}; there are: {', '.join(cache.registry.keys())}")
    model = cache.registry[params.key]
    if task.kind == DOWNLOAD:
        _download(model, cache, report, accepted=model.key in params.accepted)
    elif task.kind == DELETE:
        _delete(model, cache)
    elif task.kind == LOAD:
        _load(model, cache, report)
    else:
        # Whoever hears this ends the processes that hold the model, here and on every other worker.
        tell(ModelEvent(key=model.key, state="unloading"))


def tell_what_is_here(cache: Cache) -> None:
    """Tells which models' weights are in this worker's cache: whoever keeps the list may have lost it."""
    for model in cache.registry:
        if not model.built_in and cache.state(model) == "ready":
            tell(ModelEvent(key=model.key, state="ready"))


@contextmanager
def told_downloads(cache: Cache, report: Report, start: float, share: float) -> Iterator[OnProgress]:
    """What to call with the progress of downloads; how they ended is told when the block does.

    start, share: where in the task's own progress they lie.
    """
    fetched: dict[str, Progress] = {}

    def on_progress(progress: Progress) -> None:
        fetched[progress.model] = progress
        tell(_event("downloading", progress))
        report(start + share * (progress.fraction or 0), "downloading", in_words(progress))

    try:
        yield on_progress
    finally:
        for key in fetched:
            tell(ModelEvent(key=key, state="ready" if cache.state(cache.registry[key]) == "ready" else "absent"))


def in_words(progress: Progress) -> str:
    """How far a download is, for people."""
    received, total = progress.received / 1e6, (progress.total or 0) / 1e6
    return f"{progress.model}: {received:.0f} of {total:.0f} MB" if total else f"{progress.model}: {received:.0f} MB"


def _download(model: Model, cache: Cache, report: Report, *, accepted: bool) -> None:
    def on_progress(progress: Progress) -> None:
        tell(_event("downloading", progress))
        report(0.99 * (progress.fraction or 0), "downloading", in_words(progress))

    try:
        cache.ensure(model, on_progress, accepted=accepted, retry=True)
    except DownloadError as error:
        failure = ModelUnavailable(model.key, error.code, f"{error}; {error.remedy}")
        failed = ModelEvent(key=model.key, state="failed")
        failed.error.code, failed.error.message, failed.error.retriable = error.code, str(failure), True
        tell(failed)
        raise failure from error
    tell(ModelEvent(key=model.key, state="ready", done_bytes=model.size or 0, total_bytes=model.size or 0))


def _delete(model: Model, cache: Cache) -> None:
    if model.built_in:
        raise InvalidRequest(f"{model.key} is built in; there is nothing to delete")
    cache.remove(model)
    if cache.state(model) == "ready":
        raise InvalidRequest(f"somebody put {model.key} into {cache.path(model)} by hand; delete it there")
    tell(ModelEvent(key=model.key, state="absent"))


def _load(model: Model, cache: Cache, report: Report) -> None:
    network = NETWORKS.get(model.key)
    if network is None:
        raise InvalidRequest(f"{model.key} has no network to load")
    if cache.state(model) != "ready":
        raise ModelUnavailable(model.key, "not_found", "its weights are not on this worker; download it first")
    report(0.1, "loading", model.name)
    tell(ModelEvent(key=model.key, state="loading"))
    try:
        RUNTIME.load(model.key, cache.path(model), network)
    except ModelError:
        tell(ModelEvent(key=model.key, state="unloaded"))
        raise


def _event(state: str, progress: Progress) -> ModelEvent:
    remaining = progress.remaining_s
    return ModelEvent(
        key=progress.model,
        state=state,
        done_bytes=progress.received,
        total_bytes=progress.total or 0,
        rate=progress.rate,
        remaining_s=-1 if remaining is None else remaining,
    )
