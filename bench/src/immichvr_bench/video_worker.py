"""One video to its depth, with a model that costs nothing, and what that took.

python -m immichvr_bench.video_worker WAY VIDEO FOLDER prints `immichvr_bench.video.Measure` as a line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from immichvr_common.tasks import MadeFile
from immichvr_video import Frame, VideoReader, shots
from immichvr_video_depth.engine import WINDOW, DepthFrame, Output, SeesPictures, Share, compile_ahead, run
from immichvr_video_depth.engine.windows import STEP
from immichvr_video_depth.heap import share_heap
from immichvr_video_depth.networks.video_depth_anything.pixels import network_size
from immichvr_video_depth.outputs import DEPTH, RGBD, Clip, Maker, open_outputs

FloatImage = npt.NDArray[np.float32]

_SEALED_S = 10
"""Of film, after which the plain loop seals: what it has written waits in memory until then."""


class Costless(SeesPictures):
    """Gives the same maps for whatever it sees, of the size that Video Depth Anything's have."""

    key, revision, reason, metric, window = "costless", "1", "", False, WINDOW

    def __init__(self, width: int, height: int) -> None:
        rows, columns = network_size(height, width)
        y, x = np.mgrid[:rows, :columns].astype(np.float32)
        self._map = np.float32(1 + y / rows + 0.3 * np.sin(x / 40))

    def infer(self, frames: Sequence[npt.NDArray[np.uint8]]) -> FloatImage:
        """(T, h', w'), all one map in memory."""
        # Writable, as maps of networks are: what is compiled is compiled once.
        return np.lib.stride_tricks.as_strided(
            self._map, (len(frames), *self._map.shape), (0, *self._map.strides), writeable=True
        )


def through_engine(reader: VideoReader, model: Costless, outputs: Sequence[Output]) -> int:
    """All that the engine does; the number of frames."""
    return run(shots(reader), model, outputs).frames


def alone(reader: VideoReader, model: Costless, outputs: Sequence[Output]) -> int:
    """Decoding, the model and encoding, one after the other; the number of frames."""
    count, sealed = 0, Fraction(0)
    waiting: list[Frame] = []

    def write() -> None:
        nonlocal sealed
        raw = model.infer([frame.rgb for frame in waiting])
        for frame, one in zip(waiting, raw, strict=True):
            made = DepthFrame(frame.index, frame.time, frame.duration, 0, frame.rgb, (Share(one),), 0.5, 2.5)
            for output in outputs:
                output.write(made)
            if frame.time + frame.duration - sealed >= _SEALED_S:
                sealed = frame.time + frame.duration
                for output in outputs:
                    output.seal()
        waiting.clear()

    for frame in reader:
        waiting.append(frame)
        count += 1
        if len(waiting) == STEP:
            write()
    write()
    for output in outputs:
        output.seal()
        output.finish()
    return count


class _Nowhere:
    """Composes the depth of each frame at its size, and writes nothing."""

    def write(self, frame: DepthFrame) -> None:
        frame.at(frame.rgb.shape[1], frame.rgb.shape[0])

    def seal(self) -> list[Path]:
        return []

    def resume(self, parts: Sequence[Path]) -> None:
        return

    def finish(self) -> list[MadeFile]:
        return []

    def abandon(self) -> None:
        return


def unwritten(reader: VideoReader, model: Costless, outputs: Sequence[Output]) -> int:
    """All that the engine does, but for encoding; the number of frames."""
    return run(shots(reader), model, [_Nowhere()]).frames


WAYS: dict[str, Callable[[VideoReader, Costless, Sequence[Output]], int]] = {
    "engine": through_engine,
    "alone": alone,
    "unwritten": unwritten,
}


def main() -> None:
    """Does the work and tells what it took; imports and compiling left out, memory shared by all threads either way."""
    way, path, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    share_heap()
    compile_ahead()
    wall, cpu = time.perf_counter(), time.process_time()
    with VideoReader(path) as reader:
        model = Costless(reader.facts.width, reader.facts.height)
        maker = Maker(model.key, model.revision, model.metric)
        frames = WAYS[way](reader, model, open_outputs((DEPTH, RGBD), folder, Clip.of(reader), maker))
    took = {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "frames": frames,
    }
    print(json.dumps(took))


if __name__ == "__main__":
    main()
