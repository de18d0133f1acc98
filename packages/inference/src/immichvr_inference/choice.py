"""Which models may run where nobody asked for one by name."""

from __future__ import annotations

from collections.abc import Iterator

from immichvr_models.model import Chosen, Makes

from immichvr_inference.context import RunContext


def automatic(kind: Chosen, context: RunContext, *, carried: bool = False) -> Iterator[str]:
    """The models that are tried for this kind of result, best first. carried: whether the source has it in itself."""
    for key in context.cache.registry.preferred(kind):
        match context.cache.registry[key].auto:
            case "carried":
                is_choice = carried
            case "here":
                is_choice = is_available(key, kind, context)
            case _:
                is_choice = True
        if is_choice:
            yield key


def is_available(key: str, kind: Makes, context: RunContext) -> bool:
    """Whether this model makes that here without a download and without another yes to its licence."""
    registry = context.cache.registry
    if key not in registry or kind not in registry[key].makes:
        return False
    return registry[key].built_in or (context.network(key) is not None and context.has_weights(key))
