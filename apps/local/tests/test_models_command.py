"""`immichvr models` does everything about models without a server."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from immichvr_local import models_command
from immichvr_local.download_shown import DownloadShown
from immichvr_models import Progress, registry
from immichvr_models.testing import Hub, drops_after, running_hub, status, weights_of
from rich.console import Console

MODEL = registry["da2-base"]
"""Not permissive, and of files whose sizes and checksums are learned at the first download."""
CONTENTS = {
    file.path: json.dumps({"of": file.path, "long": "x" * 36_000}).encode()
    if file.path.endswith(".json")
    else weights_of(bytes(36_000))
    for file in MODEL.files
}


@pytest.fixture
def hub(run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A model hub on this machine, online, that has the files of MODEL."""
    with running_hub() as running:
        for path, content in CONTENTS.items():
            running.add(MODEL.url(MODEL.files[0], "").replace("config.json", path), content)
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("IMMICHVR_MODELS_OFFLINE", "")
        monkeypatch.setenv("USER", "ada")
        monkeypatch.setenv("LOGNAME", "ada")
        yield running


def row(run, key: str) -> dict[str, object]:
    rows = {row["key"]: row for row in json.loads(run("models", "list", "--json").stdout)}
    assert list(rows) == list(registry.keys())
    return dict(rows[key])


def test_programs_get_the_registry_with_each_state(run, hub: Hub) -> None:
    assert row(run, "heuristic")["state"] == "ready"
    assert row(run, "da2-small")["state"] == "downloadable"
    found = row(run, "sharp")
    assert found["state"] == "needs_licence"
    assert found["commercial_use"] is False
    assert found["makes"] == ["splat"]
    assert found["size"] == 2_809_738_232
    assert found["licence"] == registry["sharp"].licence.model_dump()
    assert found["accepted"] is None
    assert hub.requests == []


def test_people_get_a_line_for_each_model(run) -> None:
    lines = run("models", "list").stdout.splitlines()
    assert len(lines) == 1 + len(registry.models)
    assert lines[0].split()[:4] == ["model", "makes", "state", "size"]
    (line,) = [line for line in lines if line.startswith("da3-large ")]
    assert "cannot be fetched now" not in line, "its licence comes first"
    assert "licence to accept" in line
    assert "CC-BY-NC-4.0" in line


def test_a_licence_has_to_be_accepted_before_the_download(run, hub: Hub) -> None:
    result = run("models", "download", MODEL.key)
    assert result.exit_code == 2
    assert MODEL.licence.url in result.stderr
    assert "--accept" in result.stderr
    assert hub.requests == []


def test_accepting_with_the_download_is_on_record(run, hub: Hub) -> None:
    result = run("models", "download", MODEL.key, "--accept")
    assert result.exit_code == 0, result.stderr
    directory = Path(result.stdout.splitlines()[0].split(": ", 1)[1])
    assert {file.name: file.read_bytes() for file in directory.iterdir()} == CONTENTS
    assert f"{MODEL.name}: " in result.stderr
    found = row(run, MODEL.key)
    assert found["state"] == "ready"
    assert found["accepted"]["who"] == "ada"  # type: ignore[index]
    assert run("models", "path", MODEL.key).stdout.strip() == str(directory)


def test_accepting_first_is_enough_and_outlives_deleting(run, hub: Hub) -> None:
    accepted = run("models", "accept", MODEL.key)
    assert f"ada accepted CC-BY-NC-4.0 ({MODEL.licence.url})" in accepted.stdout
    assert run("models", "download", MODEL.key).exit_code == 0
    assert "freed" in run("models", "delete", MODEL.key).stdout
    assert run("models", "path", MODEL.key).exit_code == 1
    assert "was not here" in run("models", "delete", MODEL.key).stdout
    assert run("models", "download", MODEL.key).exit_code == 0


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_at_a_terminal_it_asks(hub: Hub, monkeypatch: pytest.MonkeyPatch, answer: str, code: int) -> None:
    from immichvr_local.cli import app
    from typer.testing import CliRunner

    monkeypatch.setattr(models_command, "_at_a_terminal", lambda: True)
    result = CliRunner().invoke(app, ["models", "download", MODEL.key], input=answer)
    assert result.exit_code == code
    assert MODEL.licence.url in result.stderr
    assert "does not allow commercial use" in result.stderr
    assert bool(hub.requests) == (code == 0)


def test_a_download_that_was_broken_off_goes_on(run, hub: Hub) -> None:
    (weights,) = [path for path in hub.files if path.endswith(".safetensors")]
    hub.planned[weights] = [drops_after(1000), status(404)]
    failed = run("models", "download", MODEL.key, "--accept")
    assert failed.exit_code == 1
    assert f"immichvr: {MODEL.key}: 127.0.0.1 has no such file" in failed.stderr
    hub.planned[weights] = []
    assert run("models", "download", MODEL.key).exit_code == 0
    assert hub.requests_of(weights)[-1]["Range"] == "bytes=1000-"


def test_what_went_wrong_is_told_with_what_to_do(run, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    small = registry["da3-small"]
    for file in small.files:
        hub.add(small.url(file, ""), b"something else")
    wrong = run("models", "download", "da3-small")
    assert wrong.exit_code == 1
    assert "is not the expected file" in wrong.stderr
    assert "a mirror may be in between" in wrong.stderr
    monkeypatch.setenv("IMMICHVR_MODELS_OFFLINE", "1")
    offline = run("models", "download", "da3-small")
    assert offline.exit_code == 1
    assert "offline mode is on" in offline.stderr


@pytest.mark.parametrize("command", ["show", "download", "accept", "delete", "path"])
def test_an_unknown_key_names_the_known_ones(run, command: str) -> None:
    result = run("models", command, "midas")
    assert result.exit_code == 2
    assert "there is no model 'midas'; there are: embedded, " in result.stderr


def test_a_wrong_setting_is_named(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMICHVR_MODELS_URL", "ftp://files.test")
    result = run("models", "list")
    assert result.exit_code == 2
    assert "base_url" in result.stderr


def test_built_in_models_need_nothing(run) -> None:
    assert "nothing to fetch" in run("models", "download", "heuristic").stdout
    assert run("models", "path", "heuristic").exit_code == 1
    assert "asks nobody" in run("models", "accept", "heuristic").stdout


def test_one_model_is_shown_with_all_that_is_known(run) -> None:
    shown = run("models", "show", "da3nested-giant-large").stdout
    for expected in (
        "splat, depth, poses, in metres",
        "one photo or several views of one scene",
        "depth-anything/DA3NESTED-GIANT-LARGE-1.1@b2359bdf726fb44ef62acca04d629dcf158053e7",
        "https://creativecommons.org/licenses/by-nc/4.0/legalcode.en",
        "not allowed",
        "more than 6759 MB in single precision",
        "6.8 GB",
        "config.json, model.safetensors",
    ):
        assert expected in shown


def test_models_put_there_by_hand_are_not_deleted(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    directory = tmp_path / "by-hand" / MODEL.key
    directory.mkdir(parents=True)
    for path, content in CONTENTS.items():
        (directory / path).write_bytes(content)
    monkeypatch.setenv("IMMICHVR_MODELS_LOCAL", str(tmp_path / "by-hand"))
    assert row(run, MODEL.key)["state"] == "ready"
    assert "put there by hand and stay" in run("models", "delete", MODEL.key).stdout
    assert (directory / "config.json").exists()


def test_listing_imports_no_network_and_nothing_that_counts() -> None:
    code = (
        "import sys; from immichvr_local.cli import app\n"
        "try: app(['models', 'list', '--json'])\n"
        "except SystemExit: pass\n"
        "print(' '.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stderr.split()
    assert json.loads(done.stdout)
    assert not {"torch", "transformers", "numpy", "depth_anything_3", "sharp"} & set(loaded)


def test_a_terminal_sees_bytes_rate_and_time() -> None:
    written = io.StringIO()
    with DownloadShown("Tiny", Console(file=written, force_terminal=True, width=120)) as shown:
        shown.update(Progress("tiny", "w", 0, 4_000_000, 0.0))
        shown.update(Progress("tiny", "w", 1_000_000, 4_000_000, 500_000.0))
    assert "1.0/4.0 MB" in written.getvalue()


def test_elsewhere_a_download_is_a_few_lines() -> None:
    written = io.StringIO()
    with DownloadShown("Tiny", Console(file=written, width=120)) as shown:
        for received in range(0, 4_000_001, 10_000):
            shown.update(Progress("tiny", "w", received, 4_000_000, 500_000.0))
    lines = written.getvalue().splitlines()
    assert lines[0] == "Tiny: 0 bytes of 4.0 MB, 500.0 kB/s, 8 s to go"
    assert lines[-1] == "Tiny: 4.0 MB of 4.0 MB, 500.0 kB/s, 0 s to go"
    assert len(lines) == 5


def test_what_was_learned_of_a_file_can_be_forgotten(run, hub: Hub) -> None:
    assert run("models", "download", MODEL.key, "--accept").exit_code == 0
    assert run("models", "delete", MODEL.key).exit_code == 0
    path = next(path for path in hub.files if path.endswith("safetensors"))
    hub.files[path] = weights_of(b"y" * 36_000)
    refused = run("models", "download", MODEL.key)
    assert refused.exit_code == 1
    assert f"immichvr models forget-pin {MODEL.key}" in refused.stderr
    assert "the next download is believed" in run("models", "forget-pin", MODEL.key).stdout
    assert run("models", "download", MODEL.key).exit_code == 0
    assert run("models", "forget-pin", "nobody").exit_code == 2
