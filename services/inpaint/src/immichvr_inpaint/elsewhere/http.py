"""The adapter for services that speak plain HTTP, and an example for others.

`POST {url}/jobs?quality=draft` with the zip as its body answers `{"id": …}`; `GET {url}/jobs/{id}` answers
`{"state", "fraction", "message"}`; `GET {url}/jobs/{id}/splat` is the file; `DELETE {url}/jobs/{id}` ends it. Each
request carries the token as a bearer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from immichvr_common.errors import InvalidRequest

from immichvr_inpaint.elsewhere.adapter import CloudFailed, RemoteState

_JOB = re.compile(r"[A-Za-z0-9._-]{1,100}")
_LARGEST_ANSWER = 64 * 1024
_LARGEST_SPLAT = 8 * 1024**3
_CHUNK = 1024 * 1024
_PATIENCE_S = 60.0
_OWN = ("127.0.0.1", "localhost", "::1")
_GONE = (httpx.codes.NOT_FOUND, httpx.codes.GONE, httpx.codes.CONFLICT)
"""There is no such job, or it has ended already."""
STATES = ("queued", "running", "done", "failed")


class HttpTrainer:
    """A service at an address. largest: bytes of a splat that are taken."""

    def __init__(self, url: str, token: str, largest: int = _LARGEST_SPLAT) -> None:
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url, self._largest = _address(url), largest

    def upload(self, dataset: Path, quality: str) -> str:
        """Sends the zip, piece by piece."""
        headers = {"Content-Type": "application/zip", "Content-Length": str(dataset.stat().st_size)}
        told = self._ask("POST", "/jobs", params={"quality": quality}, content=_pieces(dataset), headers=headers)
        job = str(told.get("id", ""))
        if _JOB.fullmatch(job) is None:
            raise CloudFailed(f"the service at {self._url} named no job that could be asked about")
        return job

    def poll(self, job: str) -> RemoteState:
        """Asks once."""
        told = self._ask("GET", f"/jobs/{job}")
        state, fraction = told.get("state"), told.get("fraction", 0)
        if state not in STATES or not isinstance(fraction, int | float):
            raise CloudFailed(f"the service at {self._url} tells of no state among {', '.join(STATES)}")
        return RemoteState(str(state), min(1.0, max(0.0, float(fraction))), str(told.get("message", ""))[:300])

    def download(self, job: str, target: Path) -> None:
        """Fetches the file, no more of it than may be."""
        got = 0
        with self._answer("GET", f"/jobs/{job}/splat") as answer:
            if answer.status_code != httpx.codes.OK:
                raise CloudFailed(f"the service at {self._url} answered {answer.status_code} instead of the splat")
            with target.open("wb") as file:
                for chunk in answer.iter_bytes(_CHUNK):
                    got += len(chunk)
                    if got > self._largest:
                        raise CloudFailed(f"the service at {self._url} sent more than {self._largest} bytes")
                    file.write(chunk)

    def cancel(self, job: str) -> None:
        """Asks for its end; of the answer the status alone counts."""
        with self._answer("DELETE", f"/jobs/{job}") as answer:
            status, is_ended = answer.status_code, answer.is_success or answer.status_code in _GONE
        if not is_ended:
            raise CloudFailed(f"the service at {self._url} answered {status} and may not have ended the job")

    def _ask(self, method: str, path: str, **about: Any) -> dict[str, Any]:
        """What is answered, of which no more is read than an answer may have. What refusals say is not passed on."""
        data = b""
        with self._answer(method, path, **about) as answer:
            if answer.status_code not in (httpx.codes.OK, httpx.codes.CREATED, httpx.codes.ACCEPTED):
                is_over = method == "GET" and answer.status_code in _GONE
                raise CloudFailed(f"the service at {self._url} answered {answer.status_code}", is_over=is_over)
            for chunk in answer.iter_bytes(_CHUNK):
                data += chunk
                if len(data) > _LARGEST_ANSWER:
                    raise CloudFailed(f"the service at {self._url} answered with more than {_LARGEST_ANSWER} bytes")
        try:
            told = json.loads(data)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise CloudFailed(f"the service at {self._url} answered with no JSON object")
        return told

    @contextmanager
    def _answer(self, method: str, path: str, **about: Any) -> Iterator[httpx.Response]:
        """An answer of which nothing but status and headers is read yet; nothing is left open after it."""
        try:
            with (
                httpx.Client(headers=self._headers, timeout=_PATIENCE_S, follow_redirects=False) as client,
                client.stream(method, self._url + path, **about) as answer,
            ):
                yield answer
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CloudFailed(f"the service at {self._url} does not answer: {type(error).__name__}") from error


def _address(url: str) -> str:
    """The address, which messages may show. Raises InvalidRequest where it is none that pictures are sent to."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidRequest(f"IMMICHVR_INPAINT_CLOUD__URL is no address: {error}") from error
    if not parsed.host:
        raise InvalidRequest("IMMICHVR_INPAINT_CLOUD__URL is no address: it names no server")
    if parsed.userinfo:
        raise InvalidRequest("IMMICHVR_INPAINT_CLOUD__URL must not hold a password; IMMICHVR_INPAINT_CLOUD__TOKEN does")
    if parsed.scheme != "https" and not (parsed.scheme == "http" and parsed.host in _OWN):
        raise InvalidRequest("IMMICHVR_INPAINT_CLOUD__URL has to begin with https://, so that nobody reads along")
    return url.rstrip("/")


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece
