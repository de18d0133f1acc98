"""The packets of one stream, of a file that may be damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeVar

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

_ERRORS_IN_A_ROW: Final = 200
"""So many failures to read a packet end a file: each passes over some bytes, and none of them is found again."""

AnyStream = TypeVar("AnyStream", VideoStream, AudioStream)


def best_stream(container: InputContainer, kind: Literal["video", "audio"]) -> object:
    """The stream that ffmpeg would play; None where there is none, or where it turned up on the way (MPEG), of which
    PyAV knows nothing."""
    try:
        return container.streams.best(kind)
    except IndexError:
        return None


def packets(
    container: InputContainer, stream: AnyStream, lost: Callable[[], None] = lambda: None
) -> Iterator[Packet[AnyStream]]:
    """Those with content, in the file's order; reading goes on after what cannot be read, which `lost` is told."""
    errors = 0
    while errors < _ERRORS_IN_A_ROW:
        try:
            for packet in container.demux(stream):
                errors = 0
                if packet.size:
                    yield packet
            return
        except IndexError:  # PyAV ends so where streams turned up on the way (MPEG)
            return
        except FFmpegError:
            errors += 1
            lost()
