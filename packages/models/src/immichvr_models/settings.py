"""Where models are kept, where they come from, and what may be fetched without asking."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

DEFAULT_ENDPOINT = "https://huggingface.co"


def _usable(address: str) -> str:
    try:
        httpx.URL(address)
    except httpx.InvalidURL as error:
        raise ValueError(f"no address of a server: {error}") from error
    return address


Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+\S*$"), AfterValidator(_usable)]
_YES = {"1", "true", "yes", "on"}


class CacheSettings(BaseModel):
    """Every setting of the cache. Sizes in bytes, times in seconds.

    endpoint: a model hub in Hugging Face's layout, or a mirror of one; token: for models that the hub gives to those
        only who have agreed to something there, sent to that host and to no other.
    base_url: where every file is fetched from instead, whatever the registry says: `<base_url>/<key>/<revision>/…`.
    local_directory: files put there by hand are used in place: `<key>/<revision>/…`, `<key>/…`, `<repo>/…` or
        `<repo's name>/…`.
    auto_download: permissively licensed models of at most `auto_limit` bytes are fetched on first use.
    accepted: keys of models whose licence and download somebody has agreed to.
    connections: at most so many for one file, where the server gives it in parts; part_size: bytes that are worth a
        connection of their own.
    keep_free: bytes that a download leaves free on the disk.
    open_timeout: from asking to the first byte of the first answer; with no network, this is all it costs.
    read_timeout, min_rate: a transfer that is silent for so long, or slower than so many bytes per second over
        such a time, is broken off and resumed.
    longest: for so long one file may take at once; what has arrived is kept for the next attempt.
    retries: in a row, without any progress between them; backoff: before the first, doubled for each further one.
    failure_memory: for so long after a failure nothing is tried again; ten times as long where the answer was
        wrong rather than missing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: Address = DEFAULT_ENDPOINT
    token: SecretStr | None = None
    base_url: Address | None = None
    offline: bool = False
    local_directory: Path | None = None
    auto_download: bool = True
    auto_limit: int = Field(default=200_000_000, ge=0)
    accepted: frozenset[str] = frozenset()
    connections: int = Field(default=4, ge=1, le=16)
    part_size: int = Field(default=32_000_000, ge=1)
    keep_free: int = Field(default=100_000_000, ge=0)
    open_timeout: float = Field(default=5.0, gt=0)
    read_timeout: float = Field(default=15.0, gt=0)
    min_rate: float = Field(default=4_000.0, ge=0)
    longest: float = Field(default=12 * 3600.0, gt=0)
    retries: int = Field(default=4, ge=0)
    backoff: float = Field(default=0.5, ge=0)
    failure_memory: float = Field(default=60.0, ge=0)


def settings_from_env(env: Mapping[str, str]) -> CacheSettings:
    """Settings from the variables that Hugging Face's tools and this package document.

    HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, IMMICHVR_MODELS_OFFLINE, IMMICHVR_MODELS_URL, IMMICHVR_MODELS_LOCAL (a
    directory), IMMICHVR_MODELS_AUTO_DOWNLOAD (on by default), IMMICHVR_MODELS_CONNECTIONS.
    """
    offline = (env.get("HF_HUB_OFFLINE", ""), env.get("IMMICHVR_MODELS_OFFLINE", ""))
    local = env.get("IMMICHVR_MODELS_LOCAL")
    token = env.get("HF_TOKEN", "").strip()
    return CacheSettings(
        endpoint=env.get("HF_ENDPOINT") or DEFAULT_ENDPOINT,
        token=SecretStr(token) if token else None,
        base_url=env.get("IMMICHVR_MODELS_URL") or None,
        offline=any(value.strip().lower() in _YES for value in offline),
        local_directory=Path(local).expanduser() if local else None,
        connections=env.get("IMMICHVR_MODELS_CONNECTIONS") or 4,
        auto_download=env.get("IMMICHVR_MODELS_AUTO_DOWNLOAD", "1").strip().lower() in _YES,
    )


def default_root(env: Mapping[str, str]) -> Path:
    """IMMICHVR_MODELS_DIR, else `immichvr/models` in the user's cache directory."""
    if chosen := env.get("IMMICHVR_MODELS_DIR"):
        return Path(chosen).expanduser()
    cache = env.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "immichvr" / "models"
