"""The whole of it: frames in, depth over time out, to as many outputs as there are.

Decoding, inference, alignment and encoding run at once. What is held of a video does not depend on its length.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from immichvr_common.tasks import MadeFile
from immichvr_video import EmptyVideo

from immichvr_video_depth.engine.checkpoints import Arrays, Checkpoints, Place
from immichvr_video_depth.engine.frames import DepthFrame, Estimator, Output, Picture
from immichvr_video_depth.engine.pipeline import Channel, Pipeline
from immichvr_video_depth.engine.seals import Seals
from immichvr_video_depth.engine.stages import Alignment, Held, Inference, Seam, Seen, Shot, ShotEnded, remaining
from immichvr_video_depth.engine.windows import OVERLAP, WINDOW
from immichvr_video_depth.heap import share_heap

_FEW = 4
"""Frames that wait between two stages."""
_AHEAD = 6
"""Frames by which a quick output is before the slowest: one that ends a segment keeps the others from nothing."""
_MOST_BYTES = 512 << 20
"""Of frames on their way, in which there is room for _ALWAYS at least: more than a window and those it knows."""
_ALWAYS = WINDOW + OVERLAP + 6

T = TypeVar("T")


@dataclass
class Summary:
    """What was done. frames, shots: of the whole video. windows: that went through the network in this try; before:
    in earlier ones. timings: seconds for which each stage worked, which they did at once."""

    files: list[MadeFile] = field(default_factory=list)
    frames: int = 0
    shots: int = 0
    windows: int = 0
    before: int = 0
    timings: dict[str, float] = field(default_factory=dict)


def run(
    frames: Iterable[Shot],
    estimator: Estimator,
    outputs: Sequence[Output],
    checkpoints: Checkpoints | None = None,
    progress: Callable[[float], None] = lambda done_s: None,
    shown: Callable[[Picture], Picture] = lambda rgb: rgb,
) -> Summary:
    """Writes the depth of a video.

    frames: the decoded frames, all of one size, each with its shot; from the first one on also where an earlier try is
    taken up. shown: makes a picture no larger than outputs need it; 48 of them wait for their depth, or as many as 512
    MiB hold. progress: told from this thread up to which time, in seconds, everything is written; what it raises ends
    the work. Raises what a stage raises, and EmptyVideo; outputs are abandoned and nothing runs any more then.
    """
    share_heap()
    try:
        return _run(frames, estimator, outputs, checkpoints, progress, shown)
    except BaseException:
        for output in outputs:
            output.abandon()
        raise


def _run(
    frames: Iterable[Shot],
    estimator: Estimator,
    outputs: Sequence[Output],
    checkpoints: Checkpoints | None,
    progress: Callable[[float], None],
    shown: Callable[[Picture], Picture],
) -> Summary:
    begin, arrays = _taken_up(outputs, checkpoints)
    known: dict[int, Held] = {}
    inference = Inference(estimator, begin, known)
    encoding = _Encoding(outputs, checkpoints, begin, Seals(estimator, is_begun=begin.frames > 0))
    pipeline = Pipeline()
    decoded: Channel[tuple[Held, int]] = pipeline.channel(_FEW)
    seen: Channel[Seen | ShotEnded] = pipeline.channel(1)
    depth: Channel[DepthFrame | Seam] = pipeline.channel(_FEW)
    room = pipeline.room(_MOST_BYTES, _ALWAYS)
    pipeline.stage("decoded", lambda: remaining(frames, begin, known, estimator.prepared, shown, room), decoded)
    pipeline.stage("inferred", lambda: inference(decoded), seen, decoded)
    pipeline.stage("aligned", lambda: Alignment(estimator, begin, arrays, known)(seen), depth, seen)
    pipeline.stage("encoded", lambda: encoding(depth), None, depth)
    pipeline.run(lambda: progress(encoding.done_s))
    return Summary(
        files=encoding.files, frames=encoding.place.frames, shots=encoding.place.shots,
        windows=inference.windows, before=begin.windows, timings=pipeline.worked_s,
    )  # fmt: skip


def _taken_up(outputs: Sequence[Output], checkpoints: Checkpoints | None) -> tuple[Place, Arrays]:
    """Where the work begins, the outputs being there already."""
    resumed = checkpoints.found() if checkpoints is not None else None
    if checkpoints is None:
        return Place(), {}
    if resumed is None:
        checkpoints.begin_anew()
        return Place(), {}
    for output, names in zip(outputs, resumed.parts, strict=True):
        output.resume([checkpoints.folder / name for name in names])
    return resumed.place, resumed.arrays


class _Encoding:
    """The last stage; each output works in a thread of its own, some frames ahead of the slowest at most.

    done_s: up to when everything is written. place: the last seam's. files: what was made.
    """

    def __init__(
        self, outputs: Sequence[Output], checkpoints: Checkpoints | None, begin: Place, seals: Seals
    ) -> None:  # fmt: skip
        self._outputs, self._checkpoints, self._seals = outputs, checkpoints, seals
        self.done_s, self.place = 0.0, begin
        self.files: list[MadeFile] = []

    def __call__(self, depth: Iterable[DepthFrame | Seam]) -> Iterable[None]:
        """Writes these; the iterator is to be exhausted, and gives nothing."""
        # The lanes end first: a seal that is kept waits for all that was queued before it.
        with ThreadPoolExecutor(1, "kept") as keeper, _Lanes(self._outputs) as lanes:
            under_way: deque[tuple[float, list[Future[None]]]] = deque()
            time_s = self.done_s
            for one in depth:
                if isinstance(one, DepthFrame):
                    time_s = float(one.time)
                    self._seals.note(one)
                    under_way.append((time_s, lanes.submit(partial(_write, one))))
                else:
                    self.place = one.place or self.place
                    if self._seals.take(one):
                        sealed = keeper.submit(self._seal, one, time_s, lanes.submit(lambda output: output.seal()))
                        under_way.append((time_s, [sealed]))
                if len(under_way) > _AHEAD:
                    self._await(*under_way.popleft())
                del one  # not held while the next is waited for
            while under_way:
                self._await(*under_way.popleft())
            if not self.place.frames:
                raise EmptyVideo("the video, or the part of it that was asked for, has no frame that can be decoded")
            for files in lanes.submit(lambda output: output.finish()):
                self.files += files.result()
        yield from ()

    def _await(self, time_s: float, outputs: Sequence[Future[None]]) -> None:
        """Returns when all have done it. Raises what one of them raises."""
        for output in outputs:
            output.result()
        self.done_s = max(self.done_s, time_s)

    def _seal(self, seam: Seam, time_s: float, outputs: Sequence[Future[list[Path]]]) -> None:
        """Keeps where the work is as soon as all outputs have sealed: the next window may take minutes."""
        parts = [output.result() for output in outputs]
        self.done_s = max(self.done_s, time_s)
        if self._checkpoints is None:
            return
        self._checkpoints.sealed(parts)
        if seam.place is not None and self._checkpoints.is_due():
            self._checkpoints.put(seam.place, seam.arrays)


def _write(frame: DepthFrame, output: Output) -> None:
    output.write(frame)


class _Lanes:
    """A thread for each output, in which that does one thing after the other; once one has failed, none does more."""

    def __init__(self, outputs: Sequence[Output]) -> None:
        self._lanes = [(output, ThreadPoolExecutor(1, "output")) for output in outputs]
        self._error: BaseException | None = None

    def __enter__(self) -> _Lanes:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing runs any more afterwards; what has not begun is dropped."""
        for _, lane in self._lanes:
            lane.shutdown(wait=False, cancel_futures=True)
        for _, lane in self._lanes:
            lane.shutdown()

    def submit(self, work: Callable[[Output], T]) -> list[Future[T]]:
        """Has every output do this next. Raises what one of them has raised."""
        if self._error is not None:
            raise self._error
        return [lane.submit(self._do, work, output) for output, lane in self._lanes]

    def _do(self, work: Callable[[Output], T], output: Output) -> T:
        if self._error is not None:
            raise self._error
        try:
            return work(output)
        except BaseException as error:
            self._error = error
            raise
