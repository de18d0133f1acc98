"""What this process runs networks with, as its settings say."""

from __future__ import annotations

from functools import cache

from immichvr_inference import Network, Networks
from immichvr_inference.context import RunContext
from immichvr_inference.residency import Runtime
from immichvr_models import Cache
from immichvr_networks import NETWORKS

from immichvr_inpaint.settings import current_settings


@cache
def process_context() -> RunContext:
    """The one context of this process; nobody has accepted anything in it."""
    settings = current_settings().models
    return RunContext(Cache.from_env(), Runtime(Networks(_networks), settings, settings.ledger))


def _networks() -> dict[str, Network]:
    from immichvr_scenes.completion.networks import NETWORKS as PAINTERS

    return {**NETWORKS, **PAINTERS}
