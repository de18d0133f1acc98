"""From pictures with cameras and points to a cloud of Gaussians."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from immichvr_inference.memory import give_back, is_out_of_memory
from immichvr_splats import GaussianCloud, light, to_bytes
from immichvr_splats.pointclouds import PointCloud
from immichvr_splats.rendering import render

from immichvr_scenes.cameras import View
from immichvr_scenes.errors import NotEnoughMemory, TooFewPoints
from immichvr_scenes.pictures import Picture
from immichvr_scenes.training.checkpoints import Checkpoint, InvalidCheckpoint
from immichvr_scenes.training.evaluation import Score, compare
from immichvr_scenes.training.feed import Feed
from immichvr_scenes.training.gsplat_cuda import GsplatRenderer
from immichvr_scenes.training.mcmc import Mcmc
from immichvr_scenes.training.options import TrainingOptions
from immichvr_scenes.training.parameters import initial
from immichvr_scenes.training.renderers import CpuRenderer, Renderer
from immichvr_scenes.training.run import Measured, Run, work_of
from immichvr_scenes.training.watching import UNWATCHED, Preview, Watch

_FEWEST_POINTS = 16
_HELD_OUT_FROM = 3
"""Pictures of which one can be spared, to tell whether what came of the others is any good."""
_REPORT_S = 0.3
_LIGHT_FROM = 20_000
"""Gaussians from which a preview's file holds fewer than there are."""
_NEAREST_EXTENT = 0.25
"""Of how far the points are from the cameras: as large is the place at least, however little the cameras moved."""
_CAP_AGAIN = 0.5
"""Of the Gaussians that memory did not suffice for, what is tried once."""


@dataclass(frozen=True, eq=False)
class Trained:
    """cloud: with the camera of the middle picture. views: of all pictures, the trained ones where they stand now.

    held_out: the score of the pictures that were not trained on. history: of it, on the way. steps: that were made.
    notes: sentences about what went otherwise than asked for.
    """

    cloud: GaussianCloud
    views: tuple[View, ...]
    held_out: Score
    history: tuple[Measured, ...]
    steps: int
    seconds: float
    notes: tuple[str, ...]


def train(
    pictures: Sequence[Picture],
    points: PointCloud,
    options: TrainingOptions,
    watch: Watch = UNWATCHED,
    resume: bytes | Checkpoint | None = None,
    device: str = "cpu",
    renderer: Callable[[TrainingOptions, float], Renderer] | None = None,
) -> Trained:
    """Train a cloud. points: in the cameras' world. resume: a checkpoint; one of other work is not used.

    renderer: makes what draws, of the options and the extent of the place; by the device where None.
    Raises TooFewPoints, NotEnoughMemory, GsplatMissing, what reading a picture raises, and what `watch` raises.
    """
    with _one_thread(device):
        return _Training(pictures, points, options, watch, resume, torch.device(device), renderer).made()


def split(count: int, every: int) -> tuple[list[int], list[int]]:
    """Which of the pictures are trained on, and which are held out: every so-manieth, or one of fewer; none of two."""
    held_out = list(range(every // 2, count, every)) if 0 < every <= count else []
    if every > 0 and _HELD_OUT_FROM <= count < every:
        held_out = [count // 2]
    return [index for index in range(count) if index not in set(held_out)], held_out


def extent_of(views: Sequence[View], points: PointCloud) -> float:
    """How large the place is for steps in it: the reach of the cameras, or a share of how far the points are."""
    centres = np.stack([view.centre for view in views])
    middle = centres.mean(axis=0)
    away = float(np.median(np.linalg.norm(points.points - middle, axis=1)))
    return max(1.1 * float(np.linalg.norm(centres - middle, axis=1).max()), _NEAREST_EXTENT * away, 1e-6)


class _Training:
    """A run with those who watch it."""

    def __init__(
        self,
        pictures: Sequence[Picture],
        points: PointCloud,
        options: TrainingOptions,
        watch: Watch,
        resume: bytes | Checkpoint | None,
        device: torch.device,
        renderer: Callable[[TrainingOptions, float], Renderer] | None,
    ) -> None:
        if points.count < _FEWEST_POINTS or not pictures:
            raise TooFewPoints(
                f"{points.count} points are too few to begin with; "
                "take pictures of more of the place, with more to see in them"
            )
        trained, held_out = split(len(pictures), options.held_out)
        self._views = [picture.view for picture in pictures]
        self._numbers = trained
        self._trained = [pictures[index] for index in trained]
        self._feed = Feed(self._trained, options.longest, device)
        self._held_out = Feed([pictures[index] for index in held_out], options.longest, device)
        self._options, self._watch, self._device = options, watch, device
        self._work = work_of(options, [picture.view for picture in pictures], points, device.type)
        self._extent = extent_of([picture.view for picture in self._trained], points)
        self._renderer = renderer or _renderer_for(device)
        self._notes: list[str] = []
        params = initial(points, options.max_gaussians, options.sh_degree, device)
        self._run = Run(options, self._feed, params, self._renderer(options, self._extent), self._extent)
        if resume is not None:
            self._take_up(resume)

    def made(self) -> Trained:
        """Go on until the end."""
        begun = told = previewed = kept = time.monotonic()
        while self._run.step < self._options.iterations and not self._is_settled():
            loss = self._advance()
            if self._held_out.views and self._run.step % self._options.evaluate_every == 0:
                self._measure()
            now = time.monotonic()
            if now - told >= _REPORT_S or self._run.step == self._options.iterations:
                told = now
                self._tell(loss)
            if self._watch.preview is not None and now - previewed >= self._watch.preview_s:
                self._watch.preview(self._preview())
                previewed = time.monotonic()
            if self._watch.checkpoint is not None and now - kept >= self._watch.checkpoint_s:
                self._watch.checkpoint(self._watch.packed(self._run.checkpoint(self._work)))
                kept = time.monotonic()
        views = self._run.corrections.refined([picture.view for picture in self._trained])
        cloud = self._run.cloud(views[len(views) // 2])
        held_out = self._score(cloud)
        for number, view in zip(self._numbers, views, strict=True):
            self._views[number] = view
        return Trained(
            cloud,
            tuple(self._views),
            held_out,
            tuple(self._run.history),
            self._run.step,
            time.monotonic() - begun,
            tuple(self._notes),
        )

    def _take_up(self, resume: bytes | Checkpoint) -> None:
        try:
            kept = resume if isinstance(resume, Checkpoint) else Checkpoint.unpacked(resume)
            kept.check(self._work)
            cap = int(kept.facts.get("max_gaussians", self._options.max_gaussians))
            if cap < self._options.max_gaussians:
                self._bound(cap)
            self._run.restore(kept)
        except InvalidCheckpoint as error:
            self._notes.append(f"training began anew: {error}")
        else:
            self._notes.append(f"training was taken up again after step {self._run.step:,}")

    def _advance(self) -> float:
        while True:
            try:
                return self._run.advance()
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                said = str(error)
            # Out here the error is gone, and with it the frames that hold on to the step's graph.
            self._make_smaller(said)

    def _make_smaller(self, said: str) -> None:
        """Once. Raises NotEnoughMemory the second time."""
        count = self._run.params["means"].shape[0]
        cap = max(_FEWEST_POINTS, int(count * _CAP_AGAIN))
        if self._run.options != self._options:
            raise NotEnoughMemory(
                f"memory does not suffice for {count:,} Gaussians at {self._options.longest} pixels; "
                f"ask for a lower quality, or train where more memory is free ({said[:200]})"
            )
        self._bound(cap)
        self._run.keep_most_opaque(cap)
        give_back(self._device)
        self._notes.append(f"memory ran out, so there are at most {cap:,} Gaussians")

    def _bound(self, cap: int) -> None:
        """Let there be no more Gaussians than that from now on."""
        self._run.options = replace(self._run.options, max_gaussians=cap)
        self._run.renderer = self._renderer(self._run.options, self._extent)

    def _measure(self) -> None:
        score = self._score(self._run.cloud(self._feed.views[0]))
        self._run.history.append(Measured(self._run.step, score.psnr, score.ssim))

    def _score(self, cloud: GaussianCloud) -> Score:
        scores = []
        for index, view in enumerate(self._held_out.views):
            example = self._held_out[index]
            drawn = _drawn(cloud, view)
            mask = None if example.mask is None else example.mask.cpu().numpy()
            scores.append(compare(drawn, example.rgb.cpu().numpy(), mask))
        return Score.mean(score for score in scores if score.views)

    def _is_settled(self) -> bool:
        """Whether the held-out pictures have got no better for a while."""
        history, patience = self._run.history, self._options.patience
        if len(history) <= patience or self._run.degree < self._options.sh_degree:
            return False
        before = max(one.psnr for one in history[:-patience])
        return max(one.psnr for one in history[-patience:]) < before + self._options.least_gain

    def _tell(self, loss: float) -> None:
        run, count = self._run, self._run.params["means"].shape[0]
        seen = f", {run.history[-1].psnr:.1f} dB on pictures it has not seen" if run.history else ""
        message = f"step {run.step:,} of {self._options.iterations:,}, {count:,} Gaussians, loss {loss:.3f}{seen}"
        self._watch.report(run.step / self._options.iterations, "training", message)

    def _preview(self) -> Preview:
        view = self._feed.views[len(self._feed) // 2]
        cloud = self._run.cloud(view)
        rgb = np.rint(np.clip(_drawn(cloud, view), 0, 1) * 255).astype(np.uint8)
        spz = to_bytes(light(cloud) if cloud.count > _LIGHT_FROM else cloud, "spz")
        return Preview(self._run.step, self._options.iterations, rgb, spz)


def _drawn(cloud: GaussianCloud, view: View) -> npt.NDArray[np.float32]:
    return render(cloud, view.for_splats, compensate=cloud.marks.antialiased).rgb


def cpu_renderer(options: TrainingOptions, extent: float) -> CpuRenderer:
    """Our rasterizer with Gaussians that come and go."""
    strategy = Mcmc(options.max_gaussians, options.iterations, extent)
    return CpuRenderer(strategy, options.antialiased, options.seed)


def _renderer_for(device: torch.device) -> Callable[[TrainingOptions, float], Renderer]:
    if device.type == "cuda":
        return GsplatRenderer
    return cpu_renderer


@contextmanager
def _one_thread(device: str) -> Iterator[None]:
    """Torch on one thread where the CPU trains: thousands of Gaussians are too few to share out, and what is drawn is
    shared out by rows of tiles."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if device == "cpu" else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
