"""One file arrives whole and checked, or there is an error that says why, whatever the server does."""

import hashlib
import resource
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from immichvr_models import CacheSettings, Download, DownloadError, fetch
from immichvr_models.testing import (
    Hub,
    Request,
    answers_another_range,
    claims_length,
    drops_after,
    ignores_ranges,
    sends,
    status,
    without_length,
)

BODY = bytes(range(251)) * 2000
SHA256 = hashlib.sha256(BODY).hexdigest()


def get(url: str, target: Path, settings: CacheSettings, **expected: object) -> list[tuple[int, int | None]]:
    """Fetch and return the progress that was told."""
    told: list[tuple[int, int | None]] = []
    with httpx.Client(follow_redirects=True, timeout=settings.read_timeout) as client:
        fetch(
            Download(url, target, **expected),  # type: ignore[arg-type]
            client,
            settings,
            lambda received, total: told.append((received, total)),
        )
    return told


def failure(url: str, target: Path, settings: CacheSettings, **expected: object) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        get(url, target, settings, **expected)
    assert not target.exists()
    assert caught.value.remedy
    return caught.value


def test_a_file_arrives_with_progress(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "weights"
    told = get(hub.add("/f", BODY), target, quick, size=len(BODY), sha256=SHA256)
    assert target.read_bytes() == BODY
    assert told[-1] == (len(BODY), len(BODY))
    assert [path.name for path in target.parent.iterdir()] == ["weights"]


def test_a_dropped_connection_is_resumed_where_it_broke(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    url = hub.add("/f", BODY, drops_after(100_000), drops_after(150_000))
    get(url, tmp_path / "f", quick, sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == BODY
    asked = hub.requests_of("/f")
    assert [headers.get("Range") for headers in asked] == [None, "bytes=100000-", "bytes=250000-"]
    assert asked[1]["If-Range"].startswith('"')


def test_a_part_that_does_not_say_which_version_it_is_of_is_believed(
    hub: Hub, quick: CacheSettings, tmp_path: Path
) -> None:
    def without_tag(request: Request, body: bytes) -> None:
        start, end = request.asked_for(len(body)) or (0, len(body))
        request.head(206, Content_Range=f"bytes {start}-{end - 1}/*", Content_Length=end - start)
        request.wfile.write(body[start:end])

    get(hub.add("/f", BODY, drops_after(100_000), without_tag), tmp_path / "f", quick, sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == BODY
    assert len(hub.requests) == 2


def test_what_an_earlier_day_left_behind_is_resumed(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    url = hub.add("/f", BODY, *[drops_after(1000)] + [drops_after(0)] * 4)
    assert failure(url, tmp_path / "f", quick, sha256=SHA256).code == "no_network"
    get(url, tmp_path / "f", quick, sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == BODY
    assert hub.requests_of("/f")[-1]["Range"] == "bytes=1000-"


def test_a_file_that_changed_meanwhile_starts_over(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    url = hub.add("/f", b"old" * 9000, *[drops_after(1000)] + [drops_after(0)] * 4)
    failure(url, tmp_path / "f", quick)
    hub.add("/f", BODY)
    get(url, tmp_path / "f", quick)
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_file_that_became_shorter_has_nothing_of_the_longer_one(
    hub: Hub, quick: CacheSettings, tmp_path: Path
) -> None:
    url = hub.add("/f", BODY * 2, *[drops_after(len(BODY) + 1000)] + [drops_after(0)] * 4)
    failure(url, tmp_path / "f", quick)
    hub.add("/f", BODY)
    get(url, tmp_path / "f", quick)
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_stale_beginning_without_a_validator_costs_one_more_try(
    hub: Hub, quick: CacheSettings, tmp_path: Path
) -> None:
    (tmp_path / "f.part").write_bytes(b"stale" * len(BODY))
    get(hub.add("/f", BODY), tmp_path / "f", quick, sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_server_that_ignores_ranges_sends_it_all_again(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    url = hub.add("/f", BODY, drops_after(100_000), ignores_ranges)
    get(url, tmp_path / "f", quick, sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == BODY


def test_another_range_than_asked_for_is_not_pasted_in(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    url = hub.add("/f", BODY, drops_after(100_000), answers_another_range)
    get(url, tmp_path / "f", quick, sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_server_that_always_breaks_off_is_given_up(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    url = hub.add("/f", BODY, *[drops_after(0)] * 20)
    assert failure(url, tmp_path / "f", quick).code == "no_network"
    assert len(hub.requests_of("/f")) == quick.retries + 1


def test_a_whole_file_is_accepted_though_more_was_announced(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    get(hub.add("/f", BODY, claims_length(+100)), tmp_path / "f", quick, sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == BODY


@pytest.mark.parametrize("difference", [-100, +100])
def test_another_length_than_the_registry_says_is_refused_at_once(
    hub: Hub, quick: CacheSettings, tmp_path: Path, difference: int
) -> None:
    url = hub.add("/f", BODY, claims_length(difference))
    error = failure(url, tmp_path / "f", quick, size=len(BODY))
    assert error.code == "bad_checksum"
    assert str(len(BODY) + difference) in str(error)


def test_wrong_bytes_of_the_right_length_are_refused(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    url = hub.add("/f", BODY, sends(b"x" * len(BODY)))
    assert failure(url, tmp_path / "f", quick, size=len(BODY), sha256=SHA256).code == "bad_checksum"
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_unknown_size_is_given_up_at_a_limit(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    error = failure(hub.add("/f", BODY, without_length), tmp_path / "f", quick, limit=1000)
    assert error.code == "bad_checksum"


@pytest.mark.parametrize(("code", "expected"), [(404, "not_found"), (410, "not_found"), (401, "licence_required")])
def test_a_refusal_is_told_as_what_it_is(
    hub: Hub, quick: CacheSettings, tmp_path: Path, code: int, expected: str
) -> None:
    url = hub.add("/f", BODY, status(code))
    assert failure(url, tmp_path / "f", quick).code == expected
    assert len(hub.requests_of("/f")) == 1


def test_an_overloaded_server_is_asked_again(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    url = hub.add("/f", BODY, status(503, Retry_After=0), status(429))
    get(url, tmp_path / "f", quick, sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_redirect_is_followed(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    hub.add("/elsewhere", BODY)
    get(hub.add("/f", BODY, status(302, Location="/elsewhere")), tmp_path / "f", quick, sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_transfer_that_stalls_is_resumed(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    impatient = quick.model_copy(update={"read_timeout": 0.2})
    get(hub.add("/f", BODY, hub.stalls_after(100_000)), tmp_path / "f", impatient, sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == BODY
    assert hub.requests_of("/f")[-1]["Range"] == "bytes=100000-"


def test_a_transfer_that_trickles_is_broken_off(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    impatient = quick.model_copy(update={"read_timeout": 0.3})
    get(hub.add("/f", BODY, hub.trickles), tmp_path / "f", impatient, sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_server_that_never_answers_costs_the_open_timeout_and_no_more(
    hub: Hub, quick: CacheSettings, tmp_path: Path
) -> None:
    impatient = quick.model_copy(update={"open_timeout": 0.2})
    start = time.monotonic()
    error = failure(hub.add("/f", BODY, hub.silent), tmp_path / "f", impatient)
    assert error.code == "no_network"
    assert time.monotonic() - start < 2.0
    assert len(hub.requests_of("/f")) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/f", "http://nowhere.invalid/f"])
def test_no_network_fails_at_once(quick: CacheSettings, tmp_path: Path, url: str) -> None:
    start = time.monotonic()
    assert failure(url, tmp_path / "f", quick).code == "no_network"
    assert time.monotonic() - start < 5.0


def test_too_little_space_is_noticed_before_the_transfer(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    roomy = quick.model_copy(update={"keep_free": 10**18})
    error = failure(hub.add("/f", BODY), tmp_path / "f", roomy)
    assert error.code == "no_space"
    assert "MB are free" in str(error)


def test_a_disk_that_fills_up_in_the_middle_is_no_space(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    script = (
        "import sys, httpx\n"
        "from pathlib import Path\n"
        "from immichvr_models import CacheSettings, Download, DownloadError, fetch\n"
        "try:\n"
        "    fetch(Download(sys.argv[1], Path(sys.argv[2])), httpx.Client(), CacheSettings(keep_free=0),\n"
        "          lambda *_: None)\n"
        "except DownloadError as error:\n"
        "    print(error.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, hub.add("/f", BODY), str(tmp_path / "f")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "no_space"


def test_a_target_that_cannot_be_written_is_said(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    error = failure(hub.add("/f", BODY), tmp_path / "file" / "f", quick)
    assert error.code == "not_writable"


def test_stopping_keeps_what_has_arrived(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    def stop(received: int, total: int | None) -> None:
        if received:
            raise Cancelled

    url = hub.add("/f", BODY, hub.stalls_after(100_000))
    with pytest.raises(Cancelled), httpx.Client() as client:
        fetch(Download(url, tmp_path / "f"), client, quick, stop)
    get(url, tmp_path / "f", quick, sha256=SHA256)
    assert hub.requests_of("/f")[-1]["Range"].startswith("bytes=")


def test_stopping_takes_effect_while_nothing_arrives(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    heard: list[int] = []

    def stop(received: int, total: int | None) -> None:
        heard.append(received)
        if heard.count(1000) == 2:
            raise Cancelled

    start = time.monotonic()
    with pytest.raises(Cancelled), httpx.Client() as client:
        fetch(Download(hub.add("/f", BODY, hub.stalls_after(1000)), tmp_path / "f"), client, quick, stop)
    assert time.monotonic() - start < quick.read_timeout
