"""Bytes on their way out of a library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType


@dataclass
class Content:
    """A file of a library, read as it is consumed; close it, or use it with `async with`.

    size: bytes, where known beforehand; name: the file's name for people, free of control characters;
    etag: quoted, as HTTP wants it; source_version: of the photo when this was opened;
    note: in words, why this is not the original; empty where it is.
    part: where a part was asked for and given, its first byte and the size of the whole; `size` is the part's.
    Reading `chunks` raises LibraryUnavailable or PhotoTooLarge.
    """

    media_type: str
    size: int | None
    name: str
    chunks: AsyncIterator[bytes]
    etag: str | None = None
    source_version: str | None = None
    note: str = ""
    part: tuple[int, int] | None = None
    on_close: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)

    async def close(self) -> None:
        """Gives back the file or connection behind the bytes; may be called twice."""
        closing, self.on_close = self.on_close, None
        if closing is not None:
            await closing()

    async def __aenter__(self) -> Content:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
