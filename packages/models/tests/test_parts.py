"""A large file comes over several connections at once, and nothing that a server does to one of them spoils it."""

import hashlib
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from immichvr_models import CacheSettings, Download, DownloadError, fetch
from immichvr_models.testing import (
    Behaviour,
    Hub,
    Request,
    announces_ranges_and_ignores_them,
    answers_another_range,
    drops_after,
    honest,
    ignores_ranges,
    one_at_a_time,
    sends,
    status,
    throttled,
    without_length,
)

BODY = random.Random(4).randbytes(800_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
QUARTERS = ["bytes=200000-399999", "bytes=400000-599999", "bytes=600000-"]


@pytest.fixture
def parted(quick: CacheSettings) -> CacheSettings:
    """Settings with which the body is worth four connections."""
    return quick.model_copy(update={"part_size": 100_000, "connections": 4})


def get(url: str, target: Path, settings: CacheSettings, sha256: str | None = SHA256) -> list[int]:
    told: list[int] = []
    with httpx.Client(timeout=settings.read_timeout) as client:
        fetch(Download(url, target, sha256=sha256), client, settings, lambda received, _: told.append(received))
    return told


def ranges(hub: Hub) -> list[str | None]:
    return [headers.get("Range") for headers in hub.requests_of("/f")]


def test_a_large_file_comes_over_several_connections(hub: Hub, parted: CacheSettings, tmp_path: Path) -> None:
    told = get(hub.add("/f", BODY), tmp_path / "f", parted)
    assert (tmp_path / "f").read_bytes() == BODY
    assert ranges(hub)[0] is None
    assert sorted(str(asked) for asked in ranges(hub)[1:]) == QUARTERS
    assert all("If-Range" in headers for headers in hub.requests_of("/f")[1:])
    assert told == sorted(told)
    assert told[-1] == len(BODY)
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("change", [{"connections": 1}, {"part_size": len(BODY)}])
def test_what_is_small_or_told_to_comes_over_one(
    hub: Hub, parted: CacheSettings, tmp_path: Path, change: dict[str, int]
) -> None:
    get(hub.add("/f", BODY), tmp_path / "f", parted.model_copy(update=change))
    assert ranges(hub) == [None]


@pytest.mark.parametrize("server", [ignores_ranges, announces_ranges_and_ignores_them])
def test_a_server_without_parts_is_asked_for_the_whole(
    hub: Hub, parted: CacheSettings, tmp_path: Path, server: Behaviour
) -> None:
    get(hub.add("/f", BODY, *[server] * 20), tmp_path / "f", parted)
    assert (tmp_path / "f").read_bytes() == BODY
    assert len(hub.requests) <= 5


def test_a_connection_that_drops_costs_its_own_part_only(hub: Hub, parted: CacheSettings, tmp_path: Path) -> None:
    get(hub.add("/f", BODY, honest, drops_after(150_000)), tmp_path / "f", parted)
    assert (tmp_path / "f").read_bytes() == BODY
    (again,) = set(ranges(hub)[1:]) - set(QUARTERS)
    assert again in {"bytes=350000-399999", "bytes=550000-599999", "bytes=750000-"}


@pytest.mark.parametrize("code", [403, 429, 503])
def test_a_server_that_allows_one_connection_gets_one(
    hub: Hub, parted: CacheSettings, tmp_path: Path, code: int
) -> None:
    behaviour = one_at_a_time(code)
    patient = parted.model_copy(update={"backoff": 0.05})
    get(hub.add("/f", BODY, *[behaviour] * 40), tmp_path / "f", patient)
    assert (tmp_path / "f").read_bytes() == BODY
    assert ranges(hub).count(None) == 1, "what had arrived was kept"


def test_a_file_that_changes_between_the_parts_is_not_mixed(hub: Hub, parted: CacheSettings, tmp_path: Path) -> None:
    other = BODY[::-1]

    def changes(request: Request, body: bytes) -> None:
        hub.files["/f"] = other
        honest(request, other)

    get(hub.add("/f", BODY, honest, changes), tmp_path / "f", parted, sha256=None)
    assert (tmp_path / "f").read_bytes() == other


def test_another_range_than_asked_for_is_not_pasted_in(hub: Hub, parted: CacheSettings, tmp_path: Path) -> None:
    get(hub.add("/f", BODY, honest, answers_another_range), tmp_path / "f", parted, sha256=None)
    assert (tmp_path / "f").read_bytes() == BODY


def test_wrong_bytes_in_one_part_are_found(hub: Hub, parted: CacheSettings, tmp_path: Path) -> None:
    def same_tag(request: Request, body: bytes) -> None:
        asked = request.asked_for(len(body))
        start, end = asked or (0, len(body))
        request.head(
            206,
            Content_Range=f"bytes {start}-{end - 1}/{len(body)}",
            Content_Length=end - start,
            ETag=request.headers["If-Range"],
        )
        request.wfile.write(b"\0" * (end - start))

    with pytest.raises(DownloadError) as caught:
        get(hub.add("/f", BODY, honest, same_tag), tmp_path / "f", parted)
    assert caught.value.code == "bad_checksum"
    assert list(tmp_path.iterdir()) == []


def test_all_parts_that_break_off_for_good_are_no_network(hub: Hub, parted: CacheSettings, tmp_path: Path) -> None:
    url = hub.add("/f", BODY, drops_after(50_000), *[drops_after(0)] * 400)
    with pytest.raises(DownloadError) as caught:
        get(url, tmp_path / "f", parted)
    assert caught.value.code == "no_network"
    hub.planned["/f"] = []
    before = len(hub.requests)
    get(url, tmp_path / "f", parted)
    assert (tmp_path / "f").read_bytes() == BODY
    assert "bytes=0-199999" not in ranges(hub)[before:], "what had arrived was kept"


KILLED = """
import json, sys
from pathlib import Path
import httpx
from immichvr_models import CacheSettings, Download, fetch, transfer
transfer.NOTE_EVERY = 0.0
transfer.LOOK_EVERY = 0.05
url, target = sys.argv[1], Path(sys.argv[2])
journal = target.with_name(target.name + ".part.json")
said = []
def tell(received, total):
    noted = json.loads(journal.read_text())["pieces"] if journal.exists() else []
    if not said and sum(at - start for start, _, at in noted) == 4 * 50_000:
        said.append(True)
        print("noted", flush=True)
fetch(Download(url, target), httpx.Client(), CacheSettings(part_size=100_000, keep_free=0), tell)
"""


def test_a_killed_process_leaves_every_part_to_be_continued(hub: Hub, parted: CacheSettings, tmp_path: Path) -> None:
    url = hub.add("/f", BODY, *[hub.stalls_after(50_000)] * 4)
    arguments = [sys.executable, "-c", KILLED, url, str(tmp_path / "f")]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "noted\n"
    process.kill()
    process.wait()
    before = len(hub.requests)
    get(url, tmp_path / "f", parted)
    assert (tmp_path / "f").read_bytes() == BODY
    assert sorted(str(asked) for asked in ranges(hub)[before:]) == [
        "bytes=250000-399999",
        "bytes=450000-599999",
        "bytes=50000-199999",
        "bytes=650000-",
    ]


@pytest.mark.parametrize(
    "pieces",
    [
        [[0, 400_000, 400_000], [500_000, 800_000, 600_000]],  # a gap
        [[0, 800_000, 900_000]],  # more than there is
        [[0, 400_000, 100], [400_000, 700_000, 400_000]],  # short of the end
        [],
        "many",
    ],
)
def test_a_journal_that_makes_no_sense_is_not_believed(
    hub: Hub, parted: CacheSettings, tmp_path: Path, pieces: object
) -> None:
    (tmp_path / "f.part").write_bytes(b"x" * 700_000)
    (tmp_path / "f.part.json").write_text(json.dumps({"validator": None, "total": 800_000, "pieces": pieces}))
    get(hub.add("/f", BODY), tmp_path / "f", parted)
    assert (tmp_path / "f").read_bytes() == BODY
    assert ranges(hub)[0] is None


@pytest.mark.alone
def test_four_connections_are_quicker_where_each_is_throttled(hub: Hub, parted: CacheSettings, tmp_path: Path) -> None:
    seconds = []
    for connections in (1, 4):
        url = hub.add("/f", BODY, *[throttled(1_000_000, block=20_000)] * 4)
        start = time.monotonic()
        get(url, tmp_path / f"f{connections}", parted.model_copy(update={"connections": connections}))
        seconds.append(time.monotonic() - start)
    assert seconds[1] < seconds[0] / 2


def test_wrong_bytes_of_a_whole_file_are_not_asked_for_again(hub: Hub, parted: CacheSettings, tmp_path: Path) -> None:
    with pytest.raises(DownloadError):
        get(hub.add("/f", BODY, sends(b"x" * len(BODY)), status(500)), tmp_path / "f", parted)
    assert len(hub.requests) == 1


@pytest.mark.parametrize("seed", range(10))
def test_whatever_the_server_does_the_bytes_are_right_in_the_end(
    hub: Hub, parted: CacheSettings, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    body, other = chance.randbytes(60_000), chance.randbytes(50_000)

    def changes(request: Request, _: bytes) -> None:
        hub.files["/f"] = other
        honest(request, other)

    moods: list[Behaviour] = [
        honest,
        drops_after(0),
        drops_after(chance.randrange(60_000)),
        ignores_ranges,
        announces_ranges_and_ignores_them,
        answers_another_range,
        without_length,
        status(503),
        changes,
    ]
    url = hub.add("/f", body, *[chance.choice(moods) for _ in range(10)])
    settings = parted.model_copy(update={"part_size": 7_000, "retries": chance.choice([0, 4])})
    for _ in range(10):
        try:
            get(url, tmp_path / "f", settings, sha256=None)
            break
        except DownloadError as error:
            assert error.code == "no_network"
    assert (tmp_path / "f").read_bytes() in (body, other)
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
