"""From the words of a request to what writes the files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Protocol

from immichvr_video import Codec

from immichvr_video_depth.engine.frames import Output, Picture
from immichvr_video_depth.outputs.clip import Clip, Maker
from immichvr_video_depth.outputs.depth_facts import DepthFactsFile
from immichvr_video_depth.outputs.depth_video import DepthVideo
from immichvr_video_depth.outputs.layout import layout_of
from immichvr_video_depth.outputs.pictures import Poster, Strip
from immichvr_video_depth.outputs.rgbd import RgbdVideo, sized
from immichvr_video_depth.outputs.sealed import Encoded, as_asked

DEPTH, RGBD, POSTER, STRIP = "depth", "rgbd", "poster", "strip"
WANTED_BY_VIEWER = (DEPTH, RGBD, POSTER, STRIP)


class DetailedOutput(Output, Protocol):
    """An output that has something to tell beside its files, once they are finished."""

    def details(self) -> dict[str, Any]:
        """Facts for the manifest's details."""


def open_outputs(
    wanted: Collection[str],
    folder: Path,
    clip: Clip,
    maker: Maker,
    *,
    codec: Codec = "hevc",
    encoded: Encoded = as_asked,
) -> list[DetailedOutput]:
    """What writes the files that are wanted (DEPTH, RGBD, POSTER, STRIP; other words are passed over) into `folder`.

    codec: of the depth video, which comes with the file that explains it. encoded: chooses who encodes.
    """
    outputs: list[DetailedOutput] = []
    if DEPTH in wanted:
        outputs += [DepthVideo(folder, clip, codec, encoded), DepthFactsFile(folder, clip, maker, codec)]
    if RGBD in wanted:
        outputs.append(RgbdVideo(folder, clip, encoded=encoded))
    if POSTER in wanted:
        outputs.append(Poster(folder))
    if STRIP in wanted:
        outputs.append(Strip(folder, clip))
    return outputs


def shown_of(clip: Clip) -> Callable[[Picture], Picture]:
    """What makes a picture no larger than these outputs show it; the same files come of it, but for the small ones of
    videos that do not fit beside their depth."""
    layout = layout_of(clip.width, clip.height)
    if clip.width <= layout.view_width + 1 and clip.height <= layout.height + 1:
        return lambda rgb: rgb
    return lambda rgb: sized(rgb, layout.view_width, layout.height)


def details_of(outputs: Sequence[DetailedOutput]) -> dict[str, Any]:
    """What all of them tell."""
    return {name: value for output in outputs for name, value in output.details().items()}
