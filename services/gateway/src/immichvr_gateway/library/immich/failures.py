"""Why an Immich server cannot be reached, in words that say what to change."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx


def why_unreachable(error: BaseException) -> str:
    """The reason behind a failure of httpx, as far as it can be told."""
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return (
                    f"its certificate is not trusted ({cause.verify_message}); add the authority that signed it to "
                    "this system's, or name the authority's file in SSL_CERT_FILE"
                )
            case ssl.SSLError():
                return "it does not speak TLS at this port; is http:// right in place of https://?"
            case socket.gaierror():
                return "its name is not known here; is it spelled right, and in the same network?"
            case ConnectionRefusedError():
                return "nothing listens there; is the port right, and is it running?"
            case httpx.RemoteProtocolError():
                return "what answers there does not speak HTTP; are port and http:// or https:// right?"
    return str(error) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it comes from, the innermost last."""
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__
