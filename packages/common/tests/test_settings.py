"""Settings come from the environment and from files of secrets."""

from pathlib import Path
from typing import ClassVar

import pytest
from immichvr_common.settings import WorkerSettings
from immichvr_common.trace import accept_traceparent, new_traceparent, trace_id
from pydantic_settings import SettingsConfigDict


class TrialSettings(WorkerSettings):
    model_config = SettingsConfigDict(env_prefix="TRIAL_", env_nested_delimiter="__", extra="ignore")
    service: ClassVar[str] = "trial"


def test_a_secret_is_read_from_the_file_named_and_never_shown(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hidden\n")
    monkeypatch.setenv("TRIAL_NATS__PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("TRIAL_NATS__URL", "nats://elsewhere:4222")
    settings = TrialSettings()
    assert settings.nats.password.get_secret_value() == "hidden"
    assert settings.nats.url == "nats://elsewhere:4222"
    assert "hidden" not in repr(settings)


def test_a_secret_file_may_begin_with_the_mark_that_windows_puts_there(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"\xef\xbb\xbfhidden\r\n")
    monkeypatch.setenv("TRIAL_NATS__PASSWORD_FILE", str(tmp_path / "password"))
    assert TrialSettings().nats.password.get_secret_value() == "hidden"
    (tmp_path / "password").write_bytes("hidden".encode("utf-16"))
    with pytest.raises(ValueError, match=r"TRIAL_NATS__PASSWORD_FILE.*UTF-8"):
        TrialSettings()


def test_a_secret_file_that_is_missing_is_named(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRIAL_NATS__PASSWORD_FILE", str(tmp_path / "absent"))
    with pytest.raises(ValueError, match=r"TRIAL_NATS__PASSWORD_FILE.*cannot be read"):
        TrialSettings()


def test_a_callers_trace_is_kept_and_nonsense_is_replaced() -> None:
    given = new_traceparent()
    assert accept_traceparent(given) == given
    assert len(trace_id(accept_traceparent("x; drop table"))) == 32
