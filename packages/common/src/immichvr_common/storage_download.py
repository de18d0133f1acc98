"""One object on its way from storage, whose connection is given back once, whoever leaves first."""

from __future__ import annotations

import threading

from urllib3.response import BaseHTTPResponse


class Download:
    """An object on its way: read by one thread at a time, and given back once it is closed and none reads."""

    def __init__(self, response: BaseHTTPResponse, chunk: int) -> None:
        """chunk: bytes to read at once."""
        self._response, self._chunks = response, response.stream(chunk)
        self._reading = threading.Lock()
        self._is_closed = self._is_given_back = False
        size = response.headers.get("content-length", "")
        self._left = int(size) if size.isdecimal() else None

    @property
    def is_over(self) -> bool:
        """Whether all was read that was announced."""
        return self._left == 0

    def read(self) -> bytes:
        """The next chunk; nothing at the end, or once it is closed."""
        try:
            with self._reading:
                chunk = b"" if self._is_closed else next(self._chunks, b"")
                if self._left is not None:
                    self._left -= len(chunk)
                return chunk
        finally:
            if self._is_closed:
                self._give_back()

    def close(self) -> None:
        """Gives the connection back: at once, or where a thread reads, that does as soon as it is through."""
        self._is_closed = True
        self._give_back()

    def _give_back(self) -> None:
        """Waits for nobody: who holds the lock meanwhile gives it back on the way out."""
        if not self._reading.acquire(blocking=False):
            return
        try:
            if not self._is_given_back:
                self._is_given_back = True
                self._response.close()
                self._response.release_conn()
        finally:
            self._reading.release()
