"""A small S3 in memory, without accounts, that fails as it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from immichvr_common.settings import S3Settings

Refusal = tuple[int, str, str]
"""Status, code and message of an answer."""
INTERNAL: Refusal = (500, "InternalError", "We encountered an internal error, please try again.")


@dataclass
class ObstinateS3:
    """broken: keys that cannot be read; broken_off: those whose bytes end early; slow: those that
    keep one waiting; writes, everything: how all writes,
    or all requests, are refused."""

    port: int
    objects: dict[str, bytes] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    broken_off: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    writes: Refusal | None = None
    everything: Refusal | None = None

    def settings(self, bucket: str = "immichvr", service: str = "") -> S3Settings:
        """How a client connects; whichever bucket it names, there is but one."""
        endpoint = f"http://127.0.0.1:{self.port}"
        return S3Settings(endpoint=endpoint, bucket=bucket, access_key=f"a{service}", secret_key="b")  # noqa: S106


@contextmanager
def obstinate_s3() -> Iterator[ObstinateS3]:
    """Serves one on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # http.server's spelling
            key = self._key()
            while key in s3.slow:
                time.sleep(0.05)
            refusal = s3.everything or (INTERNAL if key in s3.broken and self.command == "GET" else None)
            if refusal:
                self._refuse(refusal)
            elif not key:
                self._answer(200, self._listing())
            elif key not in s3.objects:
                self._refuse((404, "NoSuchKey", "There is no such object."))
            else:
                self._answer(200, s3.objects[key], cut=key in s3.broken_off)

        do_HEAD = do_GET  # noqa: N815  # likewise

        def do_PUT(self) -> None:  # likewise
            data = self.rfile.read(int(self.headers.get("content-length", 0)))
            if refusal := s3.everything or s3.writes:
                self._refuse(refusal)
                return
            if self._key():
                s3.objects[self._key()] = data
                s3.broken.discard(self._key())
            self._answer(200, b"", md5(data, usedforsecurity=False).hexdigest())

        def do_DELETE(self) -> None:  # likewise
            s3.objects.pop(self._key(), None)
            self._answer(204, b"")

        def log_message(self, *_: Any) -> None:
            pass

        def _key(self) -> str:
            return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

        def _listing(self) -> bytes:
            prefix = parse_qs(urlsplit(self.path).query).get("prefix", [""])[0]
            rows = "".join(
                f"<Contents><Key>{key}</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                "<ETag>0</ETag><StorageClass>STANDARD</StorageClass></Contents>"
                for key in sorted(s3.objects)
                if key.startswith(prefix)
            )
            return f"<ListBucketResult><Name>immichvr</Name>{rows}</ListBucketResult>".encode()

        def _refuse(self, refusal: Refusal) -> None:
            status, code, message = refusal
            body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>" if code else message
            self._answer(status, body.encode(), kind="application/xml" if code else "text/html")

        def _answer(
            self, status: int, body: bytes, etag: str = "", kind: str = "application/xml", cut: bool = False
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", kind)
            self.send_header("Last-Modified", self.date_time_string())
            self.send_header("ETag", f'"{etag}"')
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = self.close_connection or cut

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    s3 = ObstinateS3(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield s3
    finally:
        server.shutdown()
        server.server_close()
