"""Asking a server for bytes of a file, and what its answer means."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from immichvr_common.proxies import ProxyTransport

from immichvr_models.errors import DownloadError

_MAX_REDIRECTS = 10


class Interrupted(Exception):
    """The transfer broke off in a way that another attempt may mend. pause: seconds the server asks to wait."""

    def __init__(self, why: str, pause: float = 0.0) -> None:
        super().__init__(why)
        self.pause = pause


@dataclass(frozen=True)
class Body:
    """What an answer carries: the file from byte `start` on.

    part: whether it is an answer to a request for a part; total: the file's length (None: unknown); validator: its
    version, for If-Range; ranges: whether the server gives parts of it.
    """

    part: bool
    start: int
    total: int | None
    validator: str | None
    ranges: bool


@contextmanager
def asked(client: httpx.Client, url: str, headers: dict[str, str], seconds: float) -> Iterator[httpx.Response]:
    """Ask for a file. The answer's head has arrived within so many seconds, or Interrupted says why not.

    A connection that breaks inside the block is Interrupted too.
    """
    request = client.build_request("GET", url, headers=headers)
    response = _send(client, request, seconds)
    try:
        if request.url.scheme == "https" and response.url.scheme != "https":
            raise wrong_bytes(url, "the server sends us on to an address without encryption")
        yield response
    except httpx.HTTPError as error:
        raise Interrupted(f"the connection broke: {error or type(error).__name__}") from error
    finally:
        response.close()


def reach(url: str, seconds: float) -> None:
    """Raises DownloadError (no_network) unless somebody answers at this address within so many seconds."""
    with httpx.Client(transport=ProxyTransport(), timeout=seconds) as client:
        try:
            with asked(client, url, {}, seconds):
                return
        except Interrupted as why:
            raise no_network(url, str(why)) from why


def _send(client: httpx.Client, request: httpx.Request, seconds: float) -> httpx.Response:
    """Send a request and wait no longer than this for the answer's head, name resolution included.

    Resolving a name has no timeout of its own, so it happens in a thread that may be left behind.
    """
    answer: Future[httpx.Response] = Future()

    def ask() -> None:
        try:
            answer.set_result(_followed(client, request))
        except Exception as error:  # noqa: BLE001 - handed to the waiting thread, which sorts it
            answer.set_exception(error)

    threading.Thread(target=ask, name="immichvr-download", daemon=True).start()
    try:
        return answer.result(timeout=seconds)
    except TimeoutError as error:
        answer.add_done_callback(lambda late: None if late.exception() else late.result().close())
        raise Interrupted(f"no answer within {seconds:g} s") from error
    except httpx.RequestError as error:
        raise Interrupted(str(error) or type(error).__name__) from error


def _followed(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    """The answer at the end of all redirects. Their bodies are not read: httpx itself would, however long they are."""
    for _ in range(_MAX_REDIRECTS + 1):
        response = client.send(request, stream=True, follow_redirects=False)
        if response.next_request is None:
            return response
        response.close()
        request = response.next_request
    raise httpx.TooManyRedirects(f"more than {_MAX_REDIRECTS} redirects", request=request)


def body_of(url: str, response: httpx.Response) -> Body | None:
    """What the answer carries; None where it says that the file ends before what was asked for.

    Raises Interrupted where another attempt may help, else DownloadError.
    """
    status, headers = response.status_code, response.headers
    if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
        return None
    if status not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
        raise _refusal(url, response)
    if headers.get("content-encoding", "identity") != "identity":
        raise wrong_bytes(url, "the server insists on compressing it")
    if status == httpx.codes.OK:
        ranges = headers.get("accept-ranges", "").strip().lower() == "bytes"
        return Body(False, 0, _number(headers.get("content-length", "")), _validator_of(response), ranges)
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", headers.get("content-range", ""))
    if match is None:
        raise Interrupted(f"the server sent a part without saying which ({headers.get('content-range')!r})")
    return Body(True, int(match[1]), _number(match[3]), _validator_of(response), True)


def length_of_unsatisfiable(response: httpx.Response) -> int | None:
    """The file's length that an answer 416 tells."""
    return _number(response.headers.get("content-range", "").removeprefix("bytes */"))


def no_network(url: str, why: str) -> DownloadError:
    """Nobody answers, or the connection keeps breaking."""
    return DownloadError(
        "no_network",
        f"no network ({httpx.URL(url).host}: {why})",
        "connect this machine, name a mirror in HF_ENDPOINT, or put the files into the local model directory",
    )


def wrong_bytes(url: str, why: str, remedy: str | None = None) -> DownloadError:
    """What came, or would come, is not the expected file. remedy: where it is not the usual one."""
    location = httpx.URL(url)
    return DownloadError(
        "bad_checksum",
        f"what {location.host} sent for {location.path.rsplit('/', 1)[-1]} is not the expected file: {why}",
        remedy or "a login page, a proxy or a mirror may be in between; try again elsewhere",
    )


def _refusal(url: str, response: httpx.Response) -> DownloadError | Interrupted:
    status, host = response.status_code, httpx.URL(url).host
    if status in (401, 403):
        return DownloadError(
            "licence_required",
            f"{host} refuses the download (HTTP {status})",
            "accept the model's terms on its page there and give a token of yours in HF_TOKEN, "
            "or put the files into the local model directory",
        )
    if status in (404, 410):
        return DownloadError(
            "not_found",
            f"{host} has no such file (HTTP {status}): {httpx.URL(url).copy_with(username=None, password=None)}",
            "check the endpoint: a mirror may lack this model or revision",
        )
    return Interrupted(f"HTTP {status}", pause=float(_number(response.headers.get("retry-after", "")) or 0))


def _validator_of(response: httpx.Response) -> str | None:
    """What If-Range may carry (RFC 9110 section 13.1.5): a strong entity tag, else the date."""
    tag = response.headers.get("etag")
    if tag and not tag.startswith("W/"):
        return str(tag)
    date = response.headers.get("last-modified")
    return str(date) if date else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
