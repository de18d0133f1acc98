"""A scene with holes becomes one without: looked at, painted, and what was painted put where it belongs.

Sources: Weber et al., "NeRFiller" (2024), for the dataset that is painted anew while the scene follows; Liu et al.,
"InFusion" (2024), for placing what was painted by its depth instead of growing Gaussians into empty space.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from immichvr_inference.context import RunContext
from immichvr_splats import GaussianCloud
from immichvr_splats.color import to_srgb

from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.completion.carrying import as_bytes
from immichvr_scenes.completion.errors import CannotComplete, NothingMissing
from immichvr_scenes.completion.joint import anneal
from immichvr_scenes.completion.methods import Method, Painted, Sheet, method_for
from immichvr_scenes.completion.missing import (
    MissingRules,
    Seen,
    grown,
    in_sight,
    pixels_of,
    shown,
    thinner_than_usual,
    unreliable,
)
from immichvr_scenes.completion.networks import Job
from immichvr_scenes.completion.optimising import Target, optimise
from immichvr_scenes.completion.options import AS_USUAL, CompletionOptions, CompletionProgress, Stage
from immichvr_scenes.completion.seeding import joined, seed, thinned, unhidden
from immichvr_scenes.completion.views import GLANCE, MOST_CAMERAS, fitted, look_around

U8 = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Report = Callable[[CompletionProgress], None]

MOST_INPUTS = 48
"""Input cameras whose pictures are kept, evenly chosen, so that nothing new comes before what they see. Who saw what,
all cameras are asked."""
_SURFACE = 0.05
"""Share of depth within which a Gaussian is part of the surface that a pixel shows."""
_COVERED = 0.98
"""Alpha from which something is there, where no rule says another one."""
_FIRST, _WHOLE, _PAINTING = 0.05, 0.9, 0.7
"""Of the progress: when the first round begins, all rounds, and of a round its painting; the rest is optimisation."""
_TOLD_S = 0.3
_PATH, _ASKED = 0.4, 0.9
"""Of what comes before the first round, what is done when the path is known, and when all cameras have been asked."""
_FARTHER = (1.0, 1.03, 1.07, 1.15)
"""Factors of depth by which what would hide something known is moved back; what still does then is let go."""
_WORTH = 0.0005
"""Share of a view below which what it still misses is left."""


@dataclass(frozen=True)
class RoundFacts:
    """What a round did.

    round: from 1. strength: of the painting. missing: share of the path's pixels. new: Gaussians.
    """

    round: int
    strength: float
    missing: float
    new: int


@dataclass(frozen=True, eq=False)
class Completed:
    """A completed scene.

    cloud: the Gaussians that stayed, then `new` new ones. dropped: old ones that no camera saw and that stood where
    something was painted. views: the path. masks: what each missed, (h, w), True for missing. before, after: each as
    it was and as it is, (h, w, 3) uint8. method: who painted; reason: why not another one, empty where nothing else was
    preferred.
    """

    cloud: GaussianCloud
    new: int
    dropped: int
    views: tuple[View, ...]
    masks: tuple[Mask, ...]
    before: tuple[U8, ...]
    after: tuple[U8, ...]
    rounds: tuple[RoundFacts, ...]
    method: str
    reason: str


@dataclass(frozen=True, eq=False)
class _Work:
    """What stays the same from round to round."""

    old: GaussianCloud
    inputs: tuple[Seen, ...]
    path: tuple[View, ...]
    masks: tuple[Mask, ...]
    covered: float
    method: Method
    options: CompletionOptions
    report: Report


def complete(
    cloud: GaussianCloud,
    views: Sequence[View],
    options: CompletionOptions = AS_USUAL,
    report: Report = lambda progress: None,
    context: RunContext | None = None,
) -> Completed:
    """Fill what is missing from a scene; the same for the same seed.

    views: the cameras it was made with; none: the camera that the cloud itself was made from. report: told what is
    done; what it raises stops the work. context: what networks run in; without one only `fill`, and `reference` by
    guessed depth. Old Gaussians stay as they are. A cloud of a single photo keeps what the photo did not see, as
    whoever made it carried surfaces on already: the rule of visibility is for several cameras.

    Raises CannotComplete, NothingMissing, ModelError.
    """
    method, reason = method_for(options, context)
    cloud = to_srgb(cloud)
    cameras = _cameras(cloud, views)
    report(CompletionProgress(0.0, "views", message="looking for what is missing"))
    rules = options.rules if len(cameras) > 1 else replace(options.rules, visibility=None)
    glances = [Seen.of(cloud, fitted(camera, GLANCE)) for camera in _evenly(cameras, MOST_CAMERAS)]
    rules = thinner_than_usual(rules, glances)

    def tell(share: float) -> None:
        report(CompletionProgress(_FIRST * share, "views", message="looking for what is missing"))

    path = look_around(cloud, cameras, options.path_views, options.longest, rules, lambda share: tell(_PATH * share))
    if not path:
        raise NothingMissing("no camera, and no step to the side of one, shows a hole that is worth filling")
    seen = [Seen.of(cloud, view) for view in path]
    asked = _asked(cloud, cameras, seen, options.longest, rules, lambda share: tell(_PATH + (_ASKED - _PATH) * share))
    masks = tuple(unreliable(one, known, rules) for one, known in zip(seen, asked.photographed, strict=True))
    old = _without_unseen(cloud, seen, masks, asked.gaussians)
    inputs = asked.kept
    tell(1.0)
    covered = _COVERED if rules.alpha is None else rules.alpha
    work = _Work(old, inputs, tuple(path), masks, covered, method, options, report)
    new, rounds = _rounds(work)
    report(CompletionProgress(0.97, "pruning", len(rounds), len(rounds)))
    whole = joined([old, new])
    after = list[U8]()
    for number, view in enumerate(path):
        report(CompletionProgress(0.97 + 0.03 * number / len(path), "pruning", len(rounds), len(rounds)))
        after.append(as_bytes(Seen.of(whole, view).rgb))
    before = tuple(as_bytes(one.rgb) for one in seen)
    report(CompletionProgress(1.0, "pruning", len(rounds), len(rounds), "done", after[0]))
    return Completed(
        whole, new.count, cloud.count - old.count, work.path, masks, before, tuple(after), rounds, method.key, reason
    )


def _cameras(cloud: GaussianCloud, views: Sequence[View]) -> list[View]:
    if not cloud.count:
        raise CannotComplete("the scene has no Gaussians; make it anew")
    if views:
        return [*views]
    if cloud.camera is None:
        raise CannotComplete("nothing tells where the scene was seen from; give the cameras that it was made with")
    own = cloud.camera
    return [View("own", Camera(own.width, own.height, own.fx, own.fy, own.cx, own.cy), own.extrinsic)]


def _evenly(views: Sequence[View], most: int) -> list[View]:
    return [views[i] for i in np.unique(np.linspace(0, len(views) - 1, min(most, len(views))).astype(int))]


@dataclass(frozen=True, eq=False)
class _Asked:
    """What the input cameras see.

    kept: a few of them. photographed: of each view of the path, (h, w), what any camera saw. gaussians: (N,), which of
    the cloud any camera saw. None: nobody was asked.
    """

    kept: tuple[Seen, ...]
    photographed: tuple[Mask | None, ...]
    gaussians: Mask | None


def _asked(
    cloud: GaussianCloud,
    cameras: Sequence[View],
    path: Sequence[Seen],
    longest: int,
    rules: MissingRules,
    on_look: Callable[[float], None],
) -> _Asked:
    """All cameras, of which one picture at a time is looked at, and a few are kept."""
    among = set(np.linspace(0, len(cameras) - 1, min(MOST_INPUTS, len(cameras))).astype(int).tolist())
    tolerance = rules.visibility
    wanted = range(len(cameras)) if tolerance is not None else sorted(among)
    shows = [shown(one) for one in path]
    found = [np.zeros(len(points), bool) for _, points in shows]
    saw = np.zeros(cloud.count, bool)
    kept = list[Seen]()
    for done, number in enumerate(wanted):
        on_look(done / len(wanted))
        other = Seen.of(cloud, fitted(cameras[number], longest))
        if number in among:
            kept.append(other)
        if tolerance is None:
            continue
        for (_, points), known in zip(shows, found, strict=True):
            known |= in_sight(points, other, tolerance)
        left = np.flatnonzero(~saw)
        saw[left] = in_sight(cloud.means[left], other, tolerance)
    if tolerance is None:
        return _Asked(tuple(kept), (None,) * len(path), None)
    masks = [known.reshape(sound.shape) & sound for (sound, _), known in zip(shows, found, strict=True)]
    return _Asked(tuple(kept), tuple(masks), saw)


def _without_unseen(
    cloud: GaussianCloud, seen: Sequence[Seen], masks: Sequence[Mask], known: Mask | None
) -> GaussianCloud:
    """The cloud without what is in the way: Gaussians that no camera saw, on the surface where something is missing.

    known: (N,), which any camera saw; None: nobody was asked.
    """
    if known is None:
        return cloud
    in_the_way = np.zeros(cloud.count, bool)
    for one, mask in zip(seen, masks, strict=True):
        pixels, depth, inside = pixels_of(cloud.means, one)
        front = one.depth[pixels[:, 1], pixels[:, 0]]
        on_it = np.abs(depth - front) <= _SURFACE * front
        in_the_way |= inside & on_it & mask[pixels[:, 1], pixels[:, 0]]
    in_the_way &= ~known
    return cloud.take(np.flatnonzero(~in_the_way)) if in_the_way.any() else cloud


def _rounds(work: _Work) -> tuple[GaussianCloud, tuple[RoundFacts, ...]]:
    rounds = work.options.dataset_update if work.method.repaints else 1
    new = work.old.take(np.zeros(0, np.int64))
    facts = list[RoundFacts]()
    for number in range(rounds):
        strength = anneal(number, rounds)
        paint = _together if work.method.together else _one_by_one
        new, targets = paint(work, new, number, rounds, strength)
        new = _optimised(work, new, targets, number, rounds)
        share = float(np.mean([mask.mean() for mask in work.masks]))
        facts.append(RoundFacts(number + 1, strength, share, new.count))
    return new, tuple(facts)


def _optimised(work: _Work, new: GaussianCloud, targets: Sequence[Target], number: int, rounds: int) -> GaussianCloud:
    steps = work.options.iterations // rounds
    told = -math.inf

    def tell(share: float) -> None:
        nonlocal told
        if time.monotonic() - told >= _TOLD_S or share >= 1:
            told = time.monotonic()
            done = _PAINTING + (1 - _PAINTING) * share
            fraction = _FIRST + _WHOLE * (number + done) / rounds
            message = f"{share * steps:.0f} of {steps}"
            work.report(CompletionProgress(fraction, "optimising", number + 1, rounds, message))

    return optimise(work.old, new, targets, steps, _seed(work, number), tell) if steps else new


def _together(
    work: _Work, new: GaussianCloud, number: int, rounds: int, strength: float
) -> tuple[GaussianCloud, list[Target]]:
    """All views painted from the scene as it is; what they place where another did already is thinned out."""
    whole = joined([work.old, new])
    seen = [Seen.of(whole, view) for view in work.path]
    sheets = [_sheet(one, mask) for one, mask in zip(seen, work.masks, strict=True)]

    def tell(share: float, preview: U8 | None = None, stage: Stage = "painting") -> None:
        fraction = _FIRST + _WHOLE * (number + _PAINTING * share) / rounds
        work.report(CompletionProgress(fraction, stage, number + 1, rounds, preview=preview))

    painted = work.method.paint(sheets, Job(strength, seed=_seed(work, number), on_step=tell))
    tell(1.0, as_bytes(painted[0].rgb), "placing")
    order = np.argsort([-sheet.missing.mean() for sheet in sheets], kind="stable")
    bare = [sheet.missing & _bare(work, Seen.of(work.old, view)) for sheet, view in zip(sheets, work.path, strict=True)]
    placed = [_placed(work, work.path[i], painted[i], bare[i]) for i in order]
    targets = [_target(work, *one) for one in zip(seen, painted, [sheet.missing for sheet in sheets], strict=True)]
    return thinned(joined(placed), work.options.max_new), targets


def _one_by_one(
    work: _Work, new: GaussianCloud, number: int, rounds: int, strength: float
) -> tuple[GaussianCloud, list[Target]]:
    """The view that misses least first, as it knows most; every next one from the scene with what was painted."""
    order = np.argsort([mask.mean() for mask in work.masks], kind="stable")
    new = work.old.take(np.zeros(0, np.int64))
    targets = list[Target]()
    for done, i in enumerate(order):
        view, mask = work.path[i], work.masks[i]
        seen = Seen.of(joined([work.old, new]), view)
        if done:
            mask = mask & grown(~(seen.alpha >= work.covered), work.options.rules.kernel, 1)
        bare = mask & _bare(work, seen)
        if bare.mean() < _WORTH:
            continue

        def tell(share: float, before: int = done) -> None:
            fraction = _FIRST + _WHOLE * (number + _PAINTING * (before + share) / len(order)) / rounds
            work.report(CompletionProgress(fraction, "painting", number + 1, rounds))

        job = Job(strength, seed=_seed(work, number) + done, on_step=tell)
        [painted] = work.method.paint([_sheet(seen, mask)], job)
        new = joined([new, _placed(work, view, painted, bare)])
        targets.append(_target(work, seen, painted, mask))
        fraction = _FIRST + _WHOLE * (number + _PAINTING * (done + 1) / len(order)) / rounds
        preview = as_bytes(painted.rgb)
        work.report(CompletionProgress(fraction, "placing", number + 1, rounds, view.name, preview))
    return thinned(new, work.options.max_new), targets


def _target(work: _Work, seen: Seen, painted: Painted, mask: Mask) -> Target:
    counts = mask | (seen.alpha >= work.covered)
    return Target(seen.view, painted.rgb, painted.depth, counts, mask)


def _sheet(seen: Seen, missing: Mask) -> Sheet:
    return Sheet(np.clip(seen.rgb, 0, 1), seen.depth, missing, seen.view.camera.fx)


def _bare(work: _Work, seen: Seen) -> Mask:
    """Where Gaussians are lacking: what was painted beyond it, for its rim, is there already."""
    return grown(~(seen.alpha >= work.covered), 3, 1)


def _placed(work: _Work, view: View, painted: Painted, bare: Mask) -> GaussianCloud:
    left = seed(view, painted.rgb, painted.depth, bare, work.old)
    placed = list[GaussianCloud]()
    for factor in _FARTHER:
        means = view.centre + factor * (left.means - view.centre)
        moved = replace(left, means=np.asarray(means, np.float32))
        free = unhidden(moved, work.inputs)
        placed.append(moved.take(np.flatnonzero(free)))
        left = left.take(np.flatnonzero(~free))
    return joined(placed)


def _seed(work: _Work, number: int) -> int:
    return work.options.seed * 1_000_003 + number * 1009
