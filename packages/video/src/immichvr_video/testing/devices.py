"""What stands for NVIDIA's decoder and encoders where there are none: software, which gives what those would give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from immichvr_video import encoding
from immichvr_video.decoding import Decoder
from immichvr_video.errors import DeviceGaveUp


def as_device_gives(frame: VideoFrame) -> VideoFrame:
    """The frame with its colours between one another."""
    full = ColorRange.JPEG if frame.color_range == ColorRange.JPEG else None
    return frame.reformat(format="nv12", src_color_range=full, dst_color_range=full)


@contextmanager
def pretended_decoder(
    given: Callable[[VideoFrame], VideoFrame] = as_device_gives, lives_for: float = float("inf")
) -> Iterator[list[VideoFrame]]:
    """A decoder that takes everything; tells the frames that it has given. lives_for: packets, of each video."""
    frames: list[VideoFrame] = []

    class Pretended(Decoder):
        fed = 0

        def _decoded(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
            if not self._on_device:
                return super()._decoded(packet)
            self.fed += 1
            if self.fed > lives_for:
                raise DeviceGaveUp("its driver was reset")
            made = [given(frame) for frame in super()._decoded(packet)]
            frames.extend(made)
            return made

    with ExitStack() as patches:
        patches.enter_context(patch("immichvr_video.opening.accelerator", return_value=None))
        for module in ("reader", "nvdec"):
            patches.enter_context(patch(f"immichvr_video.{module}.Decoder", Pretended))
        yield frames


@contextmanager
def pretended_encoder(options: Mapping[str, str] | None = None) -> Iterator[None]:
    """Encoders of software with other settings than ours in the place of NVIDIA's, for H.264 and HEVC."""
    quick = {"preset": "ultrafast", "crf": "8", **(options or {})}
    hevc = {**quick, "x265-params": "log-level=none:info=0:pools=2:frame-threads=1:bframes=0"}
    with (
        patch.dict(vars(encoding)["_NVENC"], {"h264": ("libx264", quick), "hevc": ("libx265", hevc)}),
        patch.dict(vars(encoding)["_BY_NVENC"], {"bf": "0"}, clear=True),
        patch.dict(vars(encoding), {"_DEEP": "yuv420p10le"}),
    ):
        yield
