"""A model hub on this machine, over real sockets, that can misbehave on purpose: for tests of what downloads.

>>> with running_hub() as hub:
...     url = hub.add("/file", b"content", drops_after(3))
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def weights_of(data: bytes) -> bytes:
    """A safetensors file of one tensor that has these bytes."""
    tensor = {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}
    header = json.dumps({"weight": tensor}).encode()
    return len(header).to_bytes(8, "little") + header + data


class Request(BaseHTTPRequestHandler):
    """One GET, answered by the next behaviour that was planned for its path, else honestly."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:
        hub = self.hub
        with hub.lock:
            hub.requests.append((self.path, dict(self.headers)))
            planned = hub.planned.get(self.path, [])
            behaviour = planned.pop(0) if planned else honest
        body = hub.files.get(self.path)
        if body is None:
            status(404)(self, b"")
        else:
            behaviour(self, body)

    def asked_for(self, size: int) -> tuple[int, int] | None:
        """The first byte that was asked for and the one after the last, of a file of this size; None: all of it."""
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        valid = self.headers.get("If-Range") in (None, etag(self.hub.files[self.path]))
        if match is None or not valid:
            return None
        return int(match[1]), min(size, int(match[2]) + 1) if match[2] else size

    def head(self, code: int, **headers: object) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


Behaviour = Callable[[Request, bytes], None]


def etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def head_of_part(request: Request, body: bytes) -> bytes:
    """Send the status and headers of an honest answer; return the bytes that belong to it."""
    asked, size = request.asked_for(len(body)), len(body)
    common = {"ETag": etag(body), "Accept_Ranges": "bytes"}
    if asked is None:
        request.head(200, Content_Length=size, **common)
        return body
    start, end = asked
    if start >= size:
        request.head(416, Content_Range=f"bytes */{size}", Content_Length=0)
    else:
        request.head(206, Content_Range=f"bytes {start}-{end - 1}/{size}", Content_Length=end - start, **common)
    return body[start:end]


def honest(request: Request, body: bytes) -> None:
    request.wfile.write(head_of_part(request, body))


def drops_after(count: int) -> Behaviour:
    """Hang up after this many bytes of the body."""

    def behaviour(request: Request, body: bytes) -> None:
        request.wfile.write(head_of_part(request, body)[:count])
        request.hang_up()

    return behaviour


def throttled(rate: float, block: int = 64_000) -> Behaviour:
    """Send no more than so many bytes a second on one connection, as many servers do."""

    def behaviour(request: Request, body: bytes) -> None:
        rest, start = head_of_part(request, body), time.monotonic()
        for sent in range(0, len(rest), block):
            ahead = sent / rate - (time.monotonic() - start)
            if ahead > 0 and request.hub.over.wait(ahead):
                return
            request.wfile.write(rest[sent : sent + block])

    return behaviour


def announces_ranges_and_ignores_them(request: Request, body: bytes) -> None:
    request.head(200, Content_Length=len(body), ETag=etag(body), Accept_Ranges="bytes")
    request.wfile.write(body)


def one_at_a_time(code: int) -> Behaviour:
    """Refuse whoever asks while an answer is under way; the first one is, until three were refused."""
    busy, refused, waited = threading.Lock(), threading.Semaphore(0), threading.Event()

    def behaviour(request: Request, body: bytes) -> None:
        if not busy.acquire(blocking=False):
            status(code)(request, body)
            refused.release()
            return
        try:
            rest = head_of_part(request, body)
            request.wfile.write(rest[: len(rest) // 8])
            request.wfile.flush()
            if not waited.is_set():
                waited.set()
                all(refused.acquire(timeout=10) for _ in range(3))
            request.wfile.write(rest[len(rest) // 8 :])
        finally:
            busy.release()

    return behaviour


def ignores_ranges(request: Request, body: bytes) -> None:
    request.head(200, Content_Length=len(body))
    request.wfile.write(body)


def answers_another_range(request: Request, body: bytes) -> None:
    request.head(206, Content_Range=f"bytes 5-{len(body) - 1}/{len(body)}", Content_Length=len(body) - 5)
    request.wfile.write(body[5:])


def claims_length(difference: int) -> Behaviour:
    """Announce more, or fewer, bytes than are sent."""

    def behaviour(request: Request, body: bytes) -> None:
        request.head(200, Content_Length=len(body) + difference)
        request.wfile.write(body)
        request.hang_up()

    return behaviour


def without_length(request: Request, body: bytes) -> None:
    """Send a body that ends when the connection does."""
    request.head(200, Connection="close")
    request.wfile.write(body)
    request.hang_up()


def _chunks_without_end(request: Request) -> None:
    block = bytes(64_000)
    while not request.hub.over.is_set():
        request.wfile.write(f"{len(block):x}\r\n".encode() + block + b"\r\n")


def endless(request: Request, body: bytes) -> None:
    """Send chunks for as long as the client takes them."""
    request.head(200, Transfer_Encoding="chunked")
    _chunks_without_end(request)


def redirects_at_length(location: str) -> Behaviour:
    """Send the client on, with a body that does not end."""

    def behaviour(request: Request, body: bytes) -> None:
        request.head(302, Location=location, Transfer_Encoding="chunked")
        _chunks_without_end(request)

    return behaviour


def sends(other: bytes) -> Behaviour:
    """Send something else."""

    def behaviour(request: Request, body: bytes) -> None:
        request.head(200, Content_Length=len(other))
        request.wfile.write(other)

    return behaviour


def status(code: int, **headers: object) -> Behaviour:
    def behaviour(request: Request, body: bytes) -> None:
        request.head(code, Content_Length=0, **headers)

    return behaviour


@dataclass
class Hub:
    """files: what is served, by path; planned: how the next requests of a path are answered; requests: seen."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    planned: dict[str, list[Behaviour]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    def add(self, path: str, body: bytes, *behaviours: Behaviour) -> str:
        """Serve a body under a path and return its address."""
        self.files[path] = body
        self.planned[path] = list(behaviours)
        return self.url + path

    def forget(self) -> None:
        """Serve nothing, and have seen nothing."""
        with self.lock:
            self.files.clear()
            self.planned.clear()
            self.requests.clear()

    def requests_of(self, path: str) -> list[dict[str, str]]:
        return [headers for asked, headers in self.requests if asked == path]

    def silent(self, request: Request, body: bytes) -> None:
        """Never answer."""
        self.over.wait(30)
        request.hang_up()

    def stalls_after(self, count: int) -> Behaviour:
        """Go silent after this many bytes."""

        def behaviour(request: Request, body: bytes) -> None:
            request.wfile.write(head_of_part(request, body)[:count])
            request.wfile.flush()
            self.over.wait(30)
            request.hang_up()

        return behaviour

    def trickles(self, request: Request, body: bytes) -> None:
        """Send one byte at a time, without end in sight."""
        rest = head_of_part(request, body)
        for index in range(len(rest)):
            if self.over.wait(0.02):
                break
            request.wfile.write(rest[index : index + 1])
            request.wfile.flush()
        request.hang_up()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that leaves in the middle is part of the game."""


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub on a free port of this machine, for the time of the block."""

    class Handler(Request):
        pass

    server = Server(("127.0.0.1", 0), Handler)
    hub = Hub(f"http://127.0.0.1:{server.server_address[1]}")
    Handler.hub = hub
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
