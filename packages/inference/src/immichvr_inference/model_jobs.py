"""Jobs about models themselves: fetching, deleting, loading and unloading them, told as it happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from google.protobuf import json_format
from immichvr.ai.v1.ai_pb2 import ModelParams
from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Report, Task
from immichvr_common.telling import tell
from immichvr_models import Cache, DownloadError, Model, Progress

from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelError, ModelUnavailable, UnknownModel

DOWNLOAD = "model-download"
_DELETE = "model-delete"
_LOAD = "model-load"


def perform_model_job(task: Task, report: Report, context: RunContext) -> None:
    """Does a job about a model. Raises UnknownModel, ModelUnavailable, InvalidRequest."""
    cache = context.cache
    params = json_format.ParseDict(task.params, ModelParams(), ignore_unknown_fields=True)
    if params.key not in cache.registry:
        raise UnknownModel(f"there is no model {params.key!r}; there are: {', '.join(cache.registry.keys())}")
    model = cache.registry[params.key]
    if task.kind == DOWNLOAD:
        _download(model, cache, report, accepted=model.key in params.accepted)
    elif task.kind == _DELETE:
        _delete(model, cache)
    elif task.kind == _LOAD:
        _load(model, context, report)
    else:
        # Whoever hears this ends the processes that hold the model, here and on every other worker.
        tell(ModelEvent(key=model.key, state="unloading"))


def tell_what_is_here(cache: Cache, service: str) -> None:
    """Tells which of a service's models have weights in this worker's cache: who keeps the list may have lost it."""
    for model in cache.registry:
        if model.service == service and not model.built_in and cache.state(model) == "ready":
            tell(ModelEvent(key=model.key, state="ready"))


@contextmanager
def reporting_downloads(context: RunContext, report: Report, start: float, share: float) -> Iterator[RunContext]:
    """The same context, but that its downloads are told; how they ended is told when the block does.

    start, share: where in the task's own progress they lie.
    """
    fetched: dict[str, Progress] = {}

    def on_progress(progress: Progress) -> None:
        fetched[progress.model] = progress
        tell(_event("downloading", progress))
        report(start + share * (progress.fraction or 0), "downloading", in_words(progress))

    try:
        yield replace(context, on_download=on_progress)
    finally:
        cache = context.cache
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
        failure = ModelUnavailable.not_fetched(model.key, error)
        failed = ModelEvent(key=model.key, state="failed")
        failed.error.code, failed.error.message, failed.error.retriable = error.code, failure.advice, True
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


def _load(model: Model, context: RunContext, report: Report) -> None:
    cache = context.cache
    if context.network(model.key) is None:
        raise InvalidRequest(f"{model.key} has no network to load")
    if cache.state(model) != "ready":
        raise ModelUnavailable(model.key, "not_found", "its weights are not on this worker; download it first")
    report(0.1, "loading", model.name)
    tell(ModelEvent(key=model.key, state="loading"))
    try:
        context.runtime.load(model, cache.path(model))
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
