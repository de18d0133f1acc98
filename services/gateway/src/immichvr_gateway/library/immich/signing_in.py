"""Who somebody is to Immich, and whether their key reaches far enough."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from pydantic import SecretStr

from immichvr_gateway.library.errors import LibraryUnavailable, NotPermitted, SignInFailed
from immichvr_gateway.library.immich.address import page_address
from immichvr_gateway.library.immich.answers import ApiKey, Login, Logout, ServerConfig, ServerVersion, User
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.photos import Caller, Credential, Identity

# Each with what it is for, in the order in which a person meets them.
NEEDED_PERMISSIONS = ("user.read", "asset.read", "asset.view", "asset.download")
READING_IN_ABSENCE = ("album.read", "person.read", "tag.read", "memory.read", "stack.read")
"""What rules and batches choose by."""
FINDING_DELETIONS = ("asset.upload",)
"""Whether a photo is gone for good, Immich tells only to who may upload: it is asked, and nothing is uploaded."""
WRITING_BACK = ("asset.update", "tag.create", "tag.asset")
"""What shows 3D inside Immich: a pointer at the photo, and a tag."""
LINKING_CLIPS = ("asset.upload", "asset.update", "asset.delete")
"""What makes a photo move in Immich itself: a clip that is linked to it, and taken off again."""
_EVERY_PERMISSION = "all"
MANAGING_PERMISSIONS = frozenset({_EVERY_PERMISSION, "systemConfig.update", "adminConfig.update"})
"""Of these, an administrator's key has one that may decide on models: it may change the server's settings anyway.

Immich 3.2 calls `systemConfig.update` `adminConfig.update`.
"""


async def identity_of_key(client: ImmichClient, api_key: str, caller: Caller | None = None) -> Identity:
    """The owner of an API key that may do all that is needed. Raises SignInFailed, LibraryUnavailable."""
    credential = Credential("api_key", SecretStr(api_key.strip()))
    missing = lacks(await permissions_of(client, credential, caller))
    if missing:
        raise SignInFailed(missing)
    try:
        user = await client.get(credential, "users/me", User, caller)
    except (NotPermitted, Refused) as error:
        raise SignInFailed(f"Immich does not say whose key this is: {error}") from error
    return Identity(user.id, user.name, credential)


async def identity_of_password(
    client: ImmichClient, email: str, password: str, caller: Caller | None = None
) -> Identity:
    """Signs in to Immich, which starts a session there. Raises SignInFailed, LibraryUnavailable."""
    try:
        given = {"email": email.strip(), "password": password}
        login = await client.post(None, "auth/login", given, Login, caller)
    except (NotPermitted, Refused) as error:
        raise SignInFailed("Immich does not accept this e-mail address and password") from error
    return Identity(login.user_id, login.name, Credential("bearer", SecretStr(login.access_token)))


async def end_session(client: ImmichClient, credential: Credential) -> None:
    """Ends a session; one that has ended already, or a key, is left as it is. Raises LibraryUnavailable."""
    if credential.kind != "bearer":
        return
    with suppress(SignInFailed, NotPermitted, Refused):
        await client.post(credential, "auth/logout", None, Logout)


async def permissions_of(client: ImmichClient, credential: Credential, caller: Caller | None = None) -> ApiKey:
    """What an API key may do, which every key may ask. Raises SignInFailed, LibraryUnavailable."""
    try:
        return await client.get(credential, "api-keys/me", ApiKey, caller)
    except (NotPermitted, Refused) as error:
        raise SignInFailed(f"Immich does not say what this key may do: {error}") from error


def missing_of(held: Collection[str], needed: Sequence[str]) -> list[str]:
    """Those permissions that are needed and not held, in their order."""
    return [] if _EVERY_PERMISSION in held else [name for name in needed if name not in held]


def lacks(key: ApiKey) -> str:
    """Which permissions an API key lacks, in words; empty where it lacks none."""
    missing = missing_of(key.permissions, NEEDED_PERMISSIONS)
    if not missing:
        return ""
    return (
        f"the API key {key.name!r} lacks the permission{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
        "add what is missing in Immich under Account Settings, API Keys"
    )


async def is_there(client: ImmichClient) -> bool:
    """Whether a server answers as Immich does."""
    try:
        await client.get(None, "server/version", ServerVersion)
    except (LibraryUnavailable, NotPermitted, SignInFailed, Refused):
        return False
    return True


async def told_page_address(client: ImmichClient) -> str | None:
    """The address that Immich's administrator set for links, None where there is none, or none that is an address."""
    try:
        told = await client.get(None, "server/config", ServerConfig)
        return page_address(told.external_domain)
    except (LibraryUnavailable, NotPermitted, SignInFailed, Refused, ValueError):
        return None
