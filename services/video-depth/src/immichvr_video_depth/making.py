"""A video's depth and stereo, from the file to the files: what jobs and the command have in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from immichvr_catalog import DEPTH_VIDEO, KINDS
from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Made, MadeFile, Report
from immichvr_video import Codec, EncoderFailed, Span, VideoFacts, VideoLimits, VideoReader, shots

from immichvr_video_depth.devices import Devices
from immichvr_video_depth.engine import Checkpoints, Estimator, Summary, run
from immichvr_video_depth.kinds import VIDEO_DEPTH
from immichvr_video_depth.outputs import (
    DEPTH,
    WANTED_BY_VIEWER,
    Clip,
    DepthUnusable,
    Maker,
    StoredDepth,
    details_of,
    open_outputs,
    shown_of,
)
from immichvr_video_depth.stereo import LAYOUTS, GeometryRefused, LayoutRefused, StereoWish, make_stereo

Keep = Callable[[str, Path], None]
CODECS: tuple[Codec, ...] = ("hevc", "av1", "h264")
_REFUSED = (DepthUnusable, GeometryRefused, LayoutRefused)
_BEGUN, _ENCODED = 0.02, 0.95
"""How far a job is when its video is open, and when its last frame is written."""
_OF_DEPTH = 0.7
"""How far it is with the depth, where stereo follows."""


@dataclass(frozen=True)
class DepthWish:
    """What is asked for. outputs: of WANTED_BY_VIEWER and LAYOUTS. span: in seconds of the video, all of it if None."""

    outputs: tuple[str, ...] = WANTED_BY_VIEWER
    span: Span | None = None
    codec: str = "hevc"

    def __post_init__(self) -> None:
        known = (*WANTED_BY_VIEWER, *LAYOUTS)
        strange = next((one for one in self.outputs if one not in known), None)
        if strange is not None:
            raise InvalidRequest(f"there is no output {strange!r}; there are: {', '.join(known)}")
        if self.codec not in CODECS:
            raise InvalidRequest(f"depth videos are written as {', '.join(CODECS)}, not as {self.codec!r}")

    @property
    def of_depth(self) -> Codec:
        """The codec of the depth video."""
        return next(one for one in CODECS if one == self.codec)

    @property
    def layouts(self) -> tuple[str, ...]:
        """Those of stereo."""
        return tuple(one for one in self.outputs if one in LAYOUTS)


@dataclass(frozen=True)
class Earlier:
    """What work that was broken off goes on from, and where what may be broken off is kept.

    network: which one runs, where the model leaves that open; what another has begun is not gone on with. begin_anew:
    has what was kept be forgotten.
    """

    keep: Keep
    kept: Mapping[str, Path] = field(default_factory=dict)
    every_s: float = 20.0
    network: str = ""
    begin_anew: Callable[[], None] = lambda: None


def depth_video(
    source: Path, folder: Path, wish: DepthWish, estimator: Estimator, limits: VideoLimits, report: Report,
    earlier: Earlier | None = None, *, on_device: bool = False,
) -> Made:  # fmt: skip
    """Makes what is asked for of a video, in `folder`.

    on_device: whether NVIDIA's decoder and encoders are tried; where an encoder fails on the way, all of it is made
    anew by software. Raises VideoError, InvalidRequest, and what the model raises.
    """
    work = partial(_depth_video, source, folder, wish, estimator, limits, report)
    try:
        return work(earlier, Devices(reads=on_device, writes=on_device))
    except EncoderFailed as error:
        # What was kept may be of software, and forgotten where it is stored since the device began anew.
        anew = earlier and replace(earlier, kept={})
        return work(anew, Devices(reads=on_device, reasons=[str(error)]))


def _depth_video(
    source: Path, folder: Path, wish: DepthWish, estimator: Estimator, limits: VideoLimits, report: Report,
    earlier: Earlier | None, devices: Devices,
) -> Made:  # fmt: skip
    wanted = {*wish.outputs, *([DEPTH] if wish.layouts else [])}
    until = _OF_DEPTH if wish.layouts else _ENCODED
    with VideoReader(source, limits, wish.span, on_device=devices.reads) as reader:
        facts, seconds = reader.facts, seconds_of(reader.facts, wish.span)
        report(_BEGUN, "decoded", f"{facts.width}×{facts.height} pixels, {seconds:.0f} s")
        maker = Maker(estimator.key, estimator.revision, estimator.metric)
        clip = Clip.of(reader)
        outputs = open_outputs(wanted, folder, clip, maker, codec=wish.of_depth, encoded=devices.encoded)
        checkpoints = None
        if earlier is not None:
            version = KINDS[VIDEO_DEPTH].pipeline_version
            work = json.dumps([asdict(wish), asdict(maker), earlier.network, version, *devices.writers])
            checkpoints = Checkpoints(work, folder, earlier.keep, earlier.kept, earlier.every_s, earlier.begin_anew)
        progress = told_by(report, "inferred", seconds, _BEGUN, until)
        summary = run(shots(reader), estimator, outputs, checkpoints, progress, shown_of(clip))
        losses = [f"nothing is shown from {gap.start_s:.1f} to {gap.end_s:.1f} s" for gap in reader.gaps]
    details = {**details_of(outputs), "video": _details(facts, summary, seconds), **devices.details(reader)}
    files = list(summary.files)
    if facts.hdr:
        losses.append(f"its high dynamic range ({facts.hdr.upper()}) is shown as ordinary screens show it")
    for number, layout in enumerate(wish.layouts):
        report(until + number / len(wish.layouts) * (_ENCODED - until), "stereo", layout)
        depth, frames = folder / "depth.mp4", folder / "depth.json"
        files += stereo_video(source, depth, frames, folder, StereoWish(layout), wish.span, limits, _silent)
    if DEPTH not in wish.outputs:
        files = [file for file in files if file.role not in ("depth-video", "frames")]
    return Made(
        DEPTH_VIDEO, estimator.key, files, model_revision=estimator.revision, reason=estimator.reason,
        details=details, losses=losses,
        timings={stage: round(spent, 3) for stage, spent in summary.timings.items()},
    )  # fmt: skip


def stereo_video(
    source: Path, depth: Path, frames: Path, folder: Path, wish: StereoWish, span: Span | None, limits: VideoLimits,
    progress: Callable[[float], None],
) -> list[MadeFile]:  # fmt: skip
    """Stereo of a video from its stored depth. Raises InvalidRequest, VideoError."""
    try:
        stored = StoredDepth(depth, frames, source, limits, span)
        try:
            return make_stereo(stored, folder, wish, progress)
        finally:
            stored.close()
    except _REFUSED as error:
        raise InvalidRequest(str(error)) from error


def seconds_of(facts: VideoFacts, span: Span | None) -> float:
    """How much of the video is made, as far as it tells; 0 where it does not."""
    start, end = span or (0.0, None)
    ends = [one for one in (end, facts.duration_s or None) if one is not None]
    return max(0.0, min(ends, default=0.0) - start)


def _silent(done_s: float) -> None:
    """For whoever tells nothing on the way."""


def told_by(report: Report, stage: str, seconds: float, begin: float, end: float) -> Callable[[float], None]:
    """Tells of work on a video as a share of the whole job, from `begin` to `end`."""

    def progress(done_s: float) -> None:
        share = min(1.0, done_s / seconds) if seconds else 0.0
        report(begin + share * (end - begin), stage, f"{done_s:.0f} of {seconds:.0f} s")

    return progress


def _details(facts: VideoFacts, summary: Summary, seconds: float) -> dict[str, Any]:
    return {
        "width": facts.width, "height": facts.height, "fps": round(float(facts.fps), 3), "seconds": round(seconds, 3),
        "frames": summary.frames, "shots": summary.shots, "audio": facts.audio is not None, "hdr": facts.hdr,
        "projection": facts.projection, "windows": summary.windows, "windows_before": summary.before,
    }  # fmt: skip
