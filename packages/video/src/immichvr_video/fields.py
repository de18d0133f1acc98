"""Frames made of two fields become whole ones: one for one, with the times they had."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction

from av.error import BlockingIOError, EOFError
from av.filter import Graph
from av.video.frame import VideoFrame

Timed = tuple[VideoFrame, Fraction]


def progressive(frames: Iterable[Timed]) -> Iterator[Timed]:
    """The frames with their times, those of two fields deinterlaced (bwdif); one frame is held back meanwhile."""
    graph: Graph | None = None
    form: tuple[int, int, str] | None = None
    held: deque[Fraction] = deque()
    for frame, time in frames:
        of_frame = (frame.width, frame.height, frame.format.name)
        if graph is not None and of_frame != form:
            yield from _flushed(graph, held)
            graph = None
        if graph is None and frame.interlaced_frame:
            graph, form = _deinterlacer(frame), of_frame
        if graph is None:
            yield frame, time
            continue
        frame.pts = None
        held.append(time)
        graph.vpush(frame)
        yield from _ready(graph, held)
    if graph is not None:
        yield from _flushed(graph, held)


def _deinterlacer(like: VideoFrame) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(width=like.width, height=like.height, format=like.format, time_base=Fraction(1, 1000))
    graph.link_nodes(source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink"))
    graph.configure()
    return graph


def _ready(graph: Graph, held: deque[Fraction]) -> Iterator[Timed]:
    while held:
        try:
            frame = graph.vpull()
        except (BlockingIOError, EOFError):
            return
        yield frame, held.popleft()


def _flushed(graph: Graph, held: deque[Fraction]) -> Iterator[Timed]:
    graph.vpush(None)
    yield from _ready(graph, held)
    held.clear()
