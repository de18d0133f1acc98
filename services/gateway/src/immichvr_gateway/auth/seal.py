"""What lies in the bucket `state` and is nobody's to read: a backup of it gives no key away."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken


class Seal:
    """Closes facts so that only who knows the secret opens them, and nobody changes them."""

    def __init__(self, secret: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()))

    def close(self, facts: dict[str, Any]) -> bytes:
        """The facts, sealed."""
        return self._fernet.encrypt(json.dumps(facts).encode())

    def open(self, sealed: bytes, within_s: int | None = None) -> dict[str, Any] | None:
        """The facts; None where they were sealed with another secret, or more than `within_s` seconds ago."""
        try:
            facts: dict[str, Any] = json.loads(self._fernet.decrypt(sealed, within_s))
        except (InvalidToken, ValueError):
            return None
        return facts
