"""What is wrong with an Immich server and the gateway's own key, and what is good to know of them."""

from __future__ import annotations

from pydantic import SecretStr

from immichvr_gateway.library.errors import LibraryUnavailable, NotPermitted, SignInFailed
from immichvr_gateway.library.immich.answers import ServerVersion
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.signing_in import (
    FINDING_DELETIONS,
    READING_IN_ABSENCE,
    lacks,
    missing_of,
    permissions_of,
)
from immichvr_gateway.library.photos import Credential

_MAJOR, _NEWEST_MINOR = 3, 2
"""Immich 3.0 to 3.2 differ in names of permissions and in a few answers; each is read as all of them tell it."""
_WITHOUT = {
    READING_IN_ABSENCE: "albums, people, tags, memories and stacks stay empty for those who use the access token",
    FINDING_DELETIONS: "what was made of photos that are deleted for good stays",
}
"""Permissions that may be left out, and what happens then."""


async def problems_with(client: ImmichClient, api_key: str | None) -> list[str]:
    """What is wrong with a server and the gateway's own key, in words."""
    try:
        version = await client.get(None, "server/version", ServerVersion)
    except Refused as error:
        return [f"{client.address} answers, but not as Immich does ({error}); is the address right?"]
    except (LibraryUnavailable, NotPermitted, SignInFailed) as error:
        return [error.message]
    problems = []
    if version.major != _MAJOR:
        problems.append(f"Immich at {client.address} is version {version}; ImmichVR works with version {_MAJOR}")
    if api_key is not None:
        try:
            problems.append(lacks(await permissions_of(client, _own(api_key))))
        except (LibraryUnavailable, SignInFailed) as error:
            problems.append(f"the gateway's own API key: {error.message}")
    return [problem for problem in problems if problem]


async def remarks_on(client: ImmichClient, api_key: str | None) -> list[str]:
    """What is good to know of a server and key with which nothing is wrong; nothing where one cannot be asked."""
    try:
        version = await client.get(None, "server/version", ServerVersion)
        held = None if api_key is None else (await permissions_of(client, _own(api_key))).permissions
    except (LibraryUnavailable, NotPermitted, SignInFailed, Refused):
        return []
    found = []
    if version.major == _MAJOR and version.minor > _NEWEST_MINOR:
        found.append(
            f"Immich {version} is newer than those that ImmichVR was made for, {_MAJOR}.0 to "
            f"{_MAJOR}.{_NEWEST_MINOR}; if something of it is not understood, look for a newer ImmichVR"
        )
    for permissions, without in _WITHOUT.items():
        if held is not None and (missing := missing_of(held, permissions)):
            found.append(f"the gateway's own API key lacks {', '.join(missing)}, which may be left out: {without}")
    return found


def _own(api_key: str) -> Credential:
    return Credential("api_key", SecretStr(api_key))
