"""API keys that the gateway has Immich make, with the permissions that their work needs and no more."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import SecretStr

from immichvr_gateway.library.errors import LibraryUnavailable, NotPermitted
from immichvr_gateway.library.immich.answers import CreatedKey
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.signing_in import missing_of, permissions_of
from immichvr_gateway.library.photos import Credential, Identity

_MAKING = "apiKey.create"


@dataclass(frozen=True)
class MadeKey:
    """A key as it was made; Immich tells its secret once. id: how Immich calls it."""

    id: str
    secret: SecretStr = field(repr=False)


class ImmichKeys:
    """Keys of people, made and deleted with their own credential."""

    def __init__(self, client: ImmichClient) -> None:
        self._client = client

    async def make(self, who: Identity, name: str, permissions: Sequence[str]) -> MadeKey:
        """A key of this person's. Raises NotPermitted with every permission that they lack for it."""
        if who.credential.kind == "api_key":
            held = (await permissions_of(self._client, who.credential)).permissions
            missing = missing_of(held, (_MAKING, *permissions))
            if missing:
                raise NotPermitted(
                    f"the API key that you signed in with lacks {', '.join(missing)}; add what is missing in Immich "
                    "under Account Settings, API Keys, or sign in with e-mail address and password",
                    tuple(missing),
                )
        wanted = {"name": name, "permissions": list(permissions)}
        try:
            made = await self._client.post(who.credential, "api-keys", wanted, CreatedKey)
        except Refused as error:
            raise NotPermitted(f"Immich makes no such key: {error.message}") from error
        if made.key_id is None:
            raise LibraryUnavailable("Immich made a key and did not say which", down="immich")
        return MadeKey(made.key_id, SecretStr(made.secret))

    async def delete(self, who: Identity, key_id: str) -> bool:
        """Deletes a key of this person's; False where their credential may not. One that is gone is no failure."""
        try:
            with suppress(Refused):
                await self._client.delete(who.credential, f"api-keys/{key_id}")
        except NotPermitted:
            return False
        return True

    async def permissions(self, key: SecretStr) -> list[str]:
        """What a key may do now. Raises SignInFailed where Immich does not take it any more."""
        return (await permissions_of(self._client, Credential("api_key", key))).permissions
