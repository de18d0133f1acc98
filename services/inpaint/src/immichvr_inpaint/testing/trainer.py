"""A service elsewhere that trains scenes, as a stand-in on this machine: it answers with a splat that it was given."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Trainer:
    """What it was sent, and how far it is. failure: what it says in place of a splat. ended: jobs that were cancelled.

    steps: how often a job is told to run before it is done.
    """

    def __init__(self, splat: bytes, token: str = "", failure: str = "", steps: float = 1) -> None:
        self.splat, self.token, self.failure, self.steps = splat, token, failure, steps
        self.ended: list[str] = []
        self.received: dict[str, tuple[str, bytes]] = {}
        self.url = ""
        self._asked: dict[str, int] = {}
        self._ids = count(1)

    def take(self, quality: str, data: bytes) -> str:
        """A dataset becomes a job."""
        job = str(next(self._ids))
        self.received[job] = (quality, data)
        return job

    def state(self, job: str) -> dict[str, Any]:
        """Runs for its steps, then is done."""
        self._asked[job] = self._asked.get(job, 0) + 1
        if self.failure:
            return {"state": "failed", "message": self.failure}
        if self._asked[job] <= self.steps:
            return {"state": "running", "fraction": 0.5, "message": "training"}
        return {"state": "done", "fraction": 1}


@contextmanager
def trainer(splat: bytes, token: str = "", failure: str = "", steps: float = 1) -> Iterator[Trainer]:
    """One on a free port, until the block ends."""
    about = Trainer(splat, token, failure, steps)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if not self._is_known():
                return
            quality = parse_qs(urlsplit(self.path).query).get("quality", [""])[0]
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(json.dumps({"id": about.take(quality, body)}).encode())

        def do_GET(self) -> None:
            if not self._is_known():
                return
            _, _, job, *rest = self.path.split("/")
            if job not in about.received or job in about.ended:
                self.send_error(HTTPStatus.NOT_FOUND)
            else:
                self._answer(about.splat if rest else json.dumps(about.state(job)).encode())

        def do_DELETE(self) -> None:
            if self._is_known():
                about.ended.append(self.path.rpartition("/")[2])
                self._answer(b"{}")

        def _is_known(self) -> bool:
            if about.token and self.headers.get("Authorization") != f"Bearer {about.token}":
                self.send_error(HTTPStatus.UNAUTHORIZED)
                return False
            return True

        def _answer(self, body: bytes) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    about.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield about
    finally:
        server.shutdown()
        server.server_close()
