"""Who calls: told by the token that a call shows before its body is read, and what each may do."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

import grpc

from immichvr_common.rpc_settings import CallerSettings

_KEY = "authorization"
_SCHEME = "bearer "
_EVERY = "*"
CALLS = "calls/"
"""Under this prefix lies what callers of gRPC bring and get by reference, each in a folder of its own."""


class Refused(Exception):
    """A call that is not served. words: what its caller is told."""

    def __init__(self, status: grpc.StatusCode, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


@dataclass(frozen=True)
class Caller:
    """Somebody who calls. prefix: of the objects that are its own; accepts_licences: whether its yes counts."""

    name: str
    calls: frozenset[str]
    prefix: str
    accepts_licences: bool = False

    def may(self, method: str) -> bool:
        """Whether it may call a method, by its short name."""
        return _EVERY in self.calls or method in self.calls


ANYBODY = Caller("anybody", frozenset({_EVERY}), CALLS)
"""Whoever is on this machine, where no caller is configured."""

_current: ContextVar[Caller] = ContextVar("caller", default=ANYBODY)


def current_caller() -> Caller:
    """Who made the call that is being served."""
    return _current.get()


def serve_as(caller: Caller) -> None:
    """From here on, this task serves a call of `caller`."""
    _current.set(caller)


class Callers:
    """Everybody who may call a server.

    methods: the short names of all that it serves. Raises ValueError where a caller is granted another.
    """

    def __init__(self, settings: Mapping[str, CallerSettings], methods: Iterable[str]) -> None:
        known = set(methods)
        for name, one in settings.items():
            if strange := set(one.calls) - known - {_EVERY}:
                raise ValueError(
                    f"the caller {name} is granted {', '.join(sorted(strange))}; there are {', '.join(sorted(known))}"
                )
        self._callers = [
            (
                one.token.get_secret_value().encode(),
                Caller(name, frozenset(one.calls), one.prefix or f"{CALLS}{name}/", one.accepts_licences),
            )
            for name, one in settings.items()
        ]

    def admit(self, method: str, metadata: Iterable[tuple[str, str | bytes]] | None) -> Caller:
        """Who makes this call. method: its short name. Raises Refused."""
        caller = self._known(metadata) if self._callers else ANYBODY
        if caller is None:
            raise Refused(
                grpc.StatusCode.UNAUTHENTICATED,
                "unauthenticated: show the token of a caller in the metadata, as `authorization: Bearer <token>`",
            )
        return caller

    def _known(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> Caller | None:
        shown = [value for key, value in metadata or () if key == _KEY]
        if len(shown) != 1 or not isinstance(shown[0], str) or not shown[0].lower().startswith(_SCHEME):
            return None
        token = shown[0][len(_SCHEME) :].strip().encode()
        found = None
        for secret, caller in self._callers:  # each is compared, so that the time tells nothing
            if hmac.compare_digest(secret, token):
                found = caller
        return found


def check_may(caller: Caller, method: str) -> None:
    """Raises Refused where this caller is not granted the method."""
    if not caller.may(method):
        raise Refused(grpc.StatusCode.PERMISSION_DENIED, f"permission_denied: {caller.name} may not call {method}")
