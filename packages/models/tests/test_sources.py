"""Files come from where the settings say, and a token goes to the hub alone."""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from immichvr_models import Cache, CacheSettings, DownloadError, Licence, Model, ModelFile, Registry
from immichvr_models.download import token_for
from immichvr_models.settings import settings_from_env
from immichvr_models.testing import Hub, running_hub, status
from pydantic import SecretStr, ValidationError

WEIGHTS = bytes(range(256)) * 400
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
ON_HUB = "/someone/Gated-hf/resolve/abc/w.safetensors"
TOKEN = "hf_very-secret"


def gated(url: str | None = None, *, permissive: bool = True) -> Model:
    return Model(
        key="gated",
        name="Gated",
        makes=("depth",),
        inputs="one photo",
        revision="abc",
        repo="someone/Gated-hf",
        files=(ModelFile(path="w.safetensors", url=url, size=len(WEIGHTS), sha256=SHA256),),
        licence=Licence(name="MIT", url="http://licence.test", permissive=permissive),
        commercial_use=True,
    )


def fetched(root: Path, settings: CacheSettings, model: Model) -> bytes:
    return (Cache(root, settings, Registry((model,))).ensure(model) / "w.safetensors").read_bytes()


@pytest.fixture
def elsewhere() -> Iterator[Hub]:
    """A server that is not the hub."""
    with running_hub() as running:
        yield running


@pytest.fixture
def known(quick: CacheSettings) -> CacheSettings:
    """Settings with a token for the hub."""
    return quick.model_copy(update={"token": SecretStr(TOKEN)})


def test_the_token_goes_to_the_hub_and_not_where_it_sends_us_on_to(
    hub: Hub, elsewhere: Hub, known: CacheSettings, tmp_path: Path
) -> None:
    settings = known.model_copy(update={"part_size": 20_000})
    target = elsewhere.add("/signed", WEIGHTS)
    hub.add(ON_HUB, b"", *[status(302, Location=target)] * 4)
    assert fetched(tmp_path, settings, gated()) == WEIGHTS
    assert [headers["Authorization"] for _, headers in hub.requests] == [f"Bearer {TOKEN}"] * len(hub.requests)
    assert len(elsewhere.requests) == 4
    assert not any("Authorization" in headers for _, headers in elsewhere.requests)


def test_the_token_does_not_go_to_a_file_elsewhere(elsewhere: Hub, known: CacheSettings, tmp_path: Path) -> None:
    url = elsewhere.add("/w", WEIGHTS)
    assert fetched(tmp_path, known, gated(url)) == WEIGHTS
    assert "Authorization" not in elsewhere.requests_of("/w")[0]


def test_the_token_is_not_sent_in_the_clear(known: CacheSettings) -> None:
    abroad = known.model_copy(update={"endpoint": "http://hub.test"})
    assert token_for("http://hub.test/a", abroad) is None
    encrypted = known.model_copy(update={"endpoint": "https://hub.test"})
    assert token_for("https://hub.test/a", encrypted) == TOKEN
    assert token_for("https://hub.test:444/a", encrypted) is None
    assert token_for("https://hub.test.evil.test/a", encrypted) is None


def test_nobody_is_told_the_token(
    hub: Hub, known: CacheSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hub.add(ON_HUB, WEIGHTS, status(403))
    with pytest.raises(DownloadError) as caught:
        fetched(tmp_path, known, gated())
    assert caught.value.code == "licence_required"
    assert "HF_TOKEN" in caught.value.remedy
    told = [str(caught.value), caught.value.remedy, repr(known), caplog.text]
    told += [path.read_text() for path in tmp_path.rglob("*.json")]
    assert not any(TOKEN in text for text in told)


def test_a_base_url_serves_a_copy_of_a_cache(hub: Hub, elsewhere: Hub, known: CacheSettings, tmp_path: Path) -> None:
    elsewhere.add("/models/gated/abc/w.safetensors", WEIGHTS)
    settings = known.model_copy(update={"base_url": f"{elsewhere.url}/models/"})
    assert fetched(tmp_path, settings, gated("http://never.invalid/w")) == WEIGHTS
    assert hub.requests == []
    assert "Authorization" not in elsewhere.requests[0][1]


def test_a_copy_of_a_cache_is_a_local_directory(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    hub.add(ON_HUB, WEIGHTS)
    fetched(tmp_path / "carried", quick, gated())
    offline = CacheSettings(offline=True, local_directory=tmp_path / "carried")
    cache = Cache(tmp_path / "here", offline, Registry((gated(),)))
    assert cache.state(gated()) == "ready"
    assert cache.ensure(gated()) == tmp_path / "carried" / "gated" / "abc"


def test_the_environment_names_them() -> None:
    settings = settings_from_env(
        {"HF_TOKEN": f" {TOKEN}\n", "IMMICHVR_MODELS_URL": "https://files.test/m", "IMMICHVR_MODELS_CONNECTIONS": "2"}
    )
    assert settings.token is not None
    assert settings.token.get_secret_value() == TOKEN
    assert (settings.base_url, settings.connections) == ("https://files.test/m", 2)
    assert settings_from_env({"HF_TOKEN": ""}).token is None
    for wrong in ({"IMMICHVR_MODELS_URL": "ftp://x"}, {"IMMICHVR_MODELS_CONNECTIONS": "90"}):
        with pytest.raises(ValidationError):
            settings_from_env(wrong)
