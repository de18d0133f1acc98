"""Somebody on the same machine who holds no credential: tries what a door might answer to, as another user."""

from __future__ import annotations

import multiprocessing
import os
import socket
import ssl
from collections.abc import Callable
from typing import Any

NOBODY = 65534
_PATIENCE_S = 3.0
_PATHS = (
    "/", "/?pretty=y", "/status", "/stats/disk", "/dir/status", "/dir/assign", "/vol/status", "/cluster/status",
    "/ui/index.html", "/metrics", "/buckets/?pretty=y", "/buckets/immichvr/?recursive=true", "/immichvr",
    "/immichvr?list-type=2&max-keys=100", "/immichvr?policy", "/etc/iam/identity.json",
    "/debug/pprof/goroutine?debug=2",
    "/varz", "/connz?auth=1", "/jsz?config=1", "/1,01", "/admin", "/?Action=ListUsers&Version=2010-05-08",
)  # fmt: skip
_SPOKEN = (
    b"", b'CONNECT {"verbose":true}\r\nPING\r\nSUB > 1\r\nPUB jobs.ai.cpu.interactive.depth.x 2\r\n{}\r\n',
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
)  # fmt: skip


def as_another_user(work: Callable[..., Any], *arguments: object) -> Any:
    """Calls a function in a process of the user `nobody` (where that is allowed), and gives what it returns."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)

    def perform() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        there.send(work(*arguments))

    process = context.Process(target=perform)
    process.start()
    there.close()
    try:
        return here.recv()
    finally:
        process.join()


def hear(host: str, port: int) -> bytes:
    """Everything that a TCP door says to words of several kinds, in the clear and in TLS."""
    said = b""
    for words in (*_SPOKEN, *_requests()):
        said += _exchange(host, port, words, None) + b"\n"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for words in (b"", *_requests(methods=("GET",))):
        said += _exchange(host, port, words, context) + b"\n"
        if b"\nno TLS" in said:
            break
    return said


def _requests(methods: tuple[str, ...] = ("GET", "PUT", "DELETE")) -> list[bytes]:
    form = "POST /buckets/immichvr/uploads/ HTTP/1.1"
    body = '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nevil\r\n--b--\r\n'
    asked = [
        f"{method} {path} HTTP/1.1"
        for method in methods
        for path in _PATHS
        if method == "GET" or path.startswith(("/buckets", "/immichvr", "/dir"))
    ]
    plain = [f"{line}\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode() for line in asked]
    upload = "Host: 127.0.0.1\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    return [*plain, f"{form}\r\n{upload}Content-Length: {len(body)}\r\n\r\n{body}".encode()]


def _exchange(host: str, port: int, words: bytes, tls: ssl.SSLContext | None) -> bytes:
    said = b""
    try:
        with socket.create_connection((host, port), _PATIENCE_S) as raw:
            connection = tls.wrap_socket(raw) if tls else raw
            # What speaks first does so at once; what does not is not waited for.
            connection.settimeout(_PATIENCE_S if b"HTTP/1.1" in words else 0.2)
            connection.sendall(words)
            while chunk := connection.recv(65536):
                said += chunk
    except ssl.SSLError as error:
        return said + f"no TLS: {error.reason}".encode()
    except OSError:  # silence and a closed door say nothing more
        return said
    return said


def can_connect(path: str) -> bool:
    """Whether a socket file lets somebody in."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect("\0" + path[1:] if path.startswith("@") else path)
        except OSError:
            return False
    return True
