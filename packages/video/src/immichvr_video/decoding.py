"""From packets to pictures, in the order they are shown; what is damaged is passed over."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from av.container import InputContainer
from av.error import FFmpegError, MemoryError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from immichvr_video.demuxing import packets
from immichvr_video.errors import DeviceGaveUp
from immichvr_video.limits import VideoLimits
from immichvr_video.opening import protected

_OF_DEVICE: Final = "nv12"
"""How a device gives pictures of 8 bits; software never does."""
_WAIT_S: Final = Fraction(2)
"""After damage, frames are built on wrong ones until the next key frame. Longer than this nobody waits for one."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded frame.

    time, duration: in the file, in seconds; None where none is told. after_damage: whether some before were lost.
    """

    frame: VideoFrame
    time: Fraction | None
    duration: Fraction | None
    after_damage: bool


class Decoder:
    """The pictures of one stream. `damaged`: whether some were lost after the one that was given last.

    on_device: the stream was opened for a device. Its pictures have the form that software gives them, and it gives up
    at the first that is not plain or not whole: what is to be shown of such, software decides.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, limits: VideoLimits, on_device: bool = False
    ) -> None:
        self._container, self._stream = container, stream
        self._context = stream.codec_context
        self._on_device, self._to_planes = on_device, VideoReformatter()
        if not self._context.is_open:
            self._context.options = {**self._context.options, "max_pixels": str(limits.max_pixels)}
            self._context.thread_count = 1 if on_device else max(1, limits.threads)
            self._context.thread_type = "AUTO"
        self.damaged = False
        self._by_order = is_by_order(container)
        self._delay: Fraction | None = None
        self._damaged_since: Fraction | None = None
        self._doubted: deque[int] = deque(maxlen=64)

    def pictures(self) -> Iterator[Picture]:
        """Every picture that is whole; after damage from the next key frame on, or from two seconds later.

        Raises ProtectedVideo where packets are encrypted, and DeviceGaveUp.
        """
        for packet in self._packets():
            for frame in self._decoded(packet):
                time = self._time(frame)
                if frame.is_corrupt or frame.pts in self._doubted:
                    self._lose()
                elif not self.damaged or self._may_go_on(frame, time):
                    after_damage, self.damaged, self._damaged_since = self.damaged, False, None
                    yield Picture(self._planar(frame), time, self._duration(frame), after_damage)

    def _time(self, frame: VideoFrame) -> Fraction | None:
        stamp = frame.pts if frame.pts is not None and not self._by_order else frame.dts
        base = frame.time_base or self._stream.time_base  # of those that are held back to the end PyAV tells none
        if stamp is None or base is None:
            return None
        time = stamp * base
        if not self._by_order:
            return time
        if self._delay is None:
            self._delay = time
        return time - self._delay

    def _duration(self, frame: VideoFrame) -> Fraction | None:
        base = frame.time_base or self._stream.time_base
        return frame.duration * base if frame.duration > 0 and base is not None else None

    def _may_go_on(self, frame: VideoFrame, time: Fraction | None) -> bool:
        if self._damaged_since is None:
            self._damaged_since = time
        return frame.key_frame or (
            time is not None and self._damaged_since is not None and time - self._damaged_since > _WAIT_S
        )

    def _planar(self, frame: VideoFrame) -> VideoFrame:
        """The frame in planes, sample for sample, where a device gave it."""
        if not self._on_device:
            return frame
        if frame.format.name != _OF_DEVICE or frame.interlaced_frame:
            raise DeviceGaveUp("a picture is none that the device decodes")
        return self._to_planes.reformat(frame, format="yuv420p")

    def _lose(self) -> None:
        if self._on_device:
            raise DeviceGaveUp("something is damaged")
        self.damaged = True

    def _decoded(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return self._context.decode(packet)
        except FFmpegError as error:
            if self._on_device:
                raise DeviceGaveUp(f"a packet could not be decoded ({error.strerror})") from error
            if isinstance(error, MemoryError):
                raise
            self._lose()
            return []

    def _packets(self) -> Iterator[Packet[VideoStream] | None]:
        """Those of the stream, and nothing at last, for which the decoder gives what it holds back."""
        for packet in packets(self._container, self._stream, self._lose):
            if packet.has_sidedata("encryption_info"):
                raise protected()
            if packet.is_corrupt and packet.pts is not None:
                self._doubted.append(packet.pts)
            yield packet
        yield None


def is_by_order(container: InputContainer) -> bool:
    """Whether the file tells no more than the order in which frames are decoded (AVI)."""
    return container.format.name == "avi"
