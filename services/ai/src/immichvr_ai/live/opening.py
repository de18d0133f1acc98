"""From a model's name to one that is in memory and ready for frames."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy
from pathlib import Path

from immichvr_models import PREFERRED_DEPTH, Cache, DownloadError, Progress

from immichvr_ai.depth.choice import at_hand, is_here
from immichvr_ai.errors import ModelUnavailable, NotEnoughMemory, UnknownModel
from immichvr_ai.live.models import BuiltIn, LiveModel, Networked
from immichvr_ai.networks import NETWORKS, Network
from immichvr_ai.networks.base import DepthNetwork, SplatNetwork
from immichvr_ai.runtime import RUNTIME, Runtime

BUILT_IN = "heuristic"
LIFT = "lift-"
_NATIVE = ("da3-giant", "da3nested-giant-large")
"""Networks that make Gaussians of a single frame quickly enough for a GPU, the quickest first."""


def open_model(
    name: str,
    cache: Cache,
    accepted: Collection[str],
    *,
    on_gpu: bool,
    tiny: bool = False,
    progress: Callable[[Progress], None] | None = None,
    runtime: Runtime = RUNTIME,
) -> LiveModel:
    """The model of that name, in memory; its weights are fetched if need be.

    name: `auto`, a key of the registry, or `lift-<key>` for what makes depth. auto: on a GPU the best network that is
    there, on a CPU the built-in estimator, which alone keeps up. Where there is too little memory, the next one of the
    runtime's fallbacks that is there. tiny: random weights in a small copy of the network, for tests.
    Raises UnknownModel, ModelUnavailable.
    """
    if name == "auto":
        name = _automatic(cache, accepted) if on_gpu else BUILT_IN
    key = name.removeprefix(LIFT)
    others = [one.removeprefix(LIFT) for one in runtime.settings.fallback.get(key, ())]
    candidates = [name, *(one for one in others if at_hand(one, cache, accepted))]
    for candidate in candidates[:-1]:
        try:
            return _open(candidate, cache, accepted, tiny, progress, runtime)
        except NotEnoughMemory:
            continue
    return _open(candidates[-1], cache, accepted, tiny, progress, runtime)


def _open(
    name: str,
    cache: Cache,
    accepted: Collection[str],
    tiny: bool,
    progress: Callable[[Progress], None] | None,
    runtime: Runtime,
) -> LiveModel:
    key = name.removeprefix(LIFT)
    if key not in cache.registry:
        raise UnknownModel(f"there is no model {name!r}")
    row = cache.registry[key]
    if key == BUILT_IN:
        return BuiltIn(key, row.licence.name, row.revision)
    network = NETWORKS.get(key)
    lifts = name.startswith(LIFT) or not isinstance(network, SplatNetwork)
    if network is None or (lifts and not isinstance(network, DepthNetwork)):
        raise UnknownModel(f"{name} makes neither depth nor splats of live frames")
    shown, resident, directory = (name if isinstance(network, SplatNetwork) else key), key, Path("tiny")
    if tiny:
        shown, resident, network = f"tiny-{shown}", f"tiny-{key}", _tiny_of(network)
    else:
        try:
            directory = cache.ensure(row, progress, accepted=key in accepted)
        except DownloadError as error:
            raise ModelUnavailable(key, error.code, str(error)) from error
    model = Networked(shown, row.licence.name, row.revision, resident, directory, network, runtime, lifts)
    model.load()
    return model


def _automatic(cache: Cache, accepted: Collection[str]) -> str:
    wanted = (key for key in (*_NATIVE, *PREFERRED_DEPTH) if key in NETWORKS and is_here(key, cache, accepted))
    return next(wanted, BUILT_IN)


def _tiny_of(network: Network) -> Network:
    """The network, but that it loads few and random weights."""
    twin = copy(network)
    vars(twin)["load"] = lambda _: network.tiny()
    return twin
