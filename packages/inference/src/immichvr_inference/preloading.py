"""Bringing networks into memory before a photo needs them."""

from __future__ import annotations

from collections.abc import Collection

from immichvr_common.logs import get_log

from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable

log = get_log(__name__)


def preload(keys: Collection[str], context: RunContext) -> None:
    """Loads these models into memory, where their weights are on this machine; what cannot be loaded is logged.

    None that is in memory leaves for them: a task that came first may have used it just now.
    """
    for key in keys:
        model = context.cache.registry[key]
        if context.network(key) is None or context.cache.state(model) != "ready":
            log.warning("a model to preload is not on this machine", model=key)
            continue
        try:
            context.runtime.load(model, context.cache.path(model), into_free=True)
        except ModelUnavailable as error:
            log.warning("a model was not preloaded", model=key, code=error.code, reason=str(error))
