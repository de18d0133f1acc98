"""The release before and this one side by side, as while an upgrade rolls: one NATS, one S3, jobs and events of either.

The release before is its code, from this repository's history, with the libraries of today.
In short, what each reads of the other's is held by test_first_release.py, test_data_directory.py and
test_one_release_back.py.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from immichvr_common.embedded import NatsServer, SeaweedServer, free_ports
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
BEFORE = "de1df0f"
"""A commit of the release before: of the day before this test was written, as there are no releases yet."""
FIRST = "15c4faf"
"""The first release, whose stored state is recorded beside this."""
KEY = "the key that both releases seal sessions with 0123456789"
PATIENCE_S = 120
_CONFIG = """
import json, sys
from pathlib import Path
from immichvr_common.bus.access import nats_config
print(nats_config(int(sys.argv[1]), Path("jetstream"), json.loads(sys.argv[2])))
"""
NAMES = [f"photo-{number}.jpg" for number in range(6)]


def _has_history() -> bool:
    tried = [["git", "-C", str(ROOT), "cat-file", "-e", f"{commit}^{{commit}}"] for commit in (FIRST, BEFORE)]
    return all(subprocess.run(one, capture_output=True).returncode == 0 for one in tried)


pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not _has_history(), reason=f"the history here does not reach back to {FIRST}"),
]


@pytest.fixture(scope="module")
def release_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout of the release before."""
    return checkout(BEFORE, tmp_path_factory.mktemp("before"))


@pytest.fixture(scope="module", params=[FIRST, BEFORE], ids=["first", "before"])
def earlier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout of an earlier release."""
    return checkout(request.param, tmp_path_factory.mktemp("earlier"))


def checkout(commit: str, folder: Path) -> Path:
    """Lays the code of a release in a folder."""
    packed = ["git", "-C", str(ROOT), "archive", commit, "packages", "services", "tests/faults/trial_worker.py"]
    archive = subprocess.run(packed, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    return folder


@dataclass
class NatsOf(NatsServer):
    """A NATS whose users may do what a release lets them."""

    release: Path = ROOT

    def command(self) -> list[str]:
        command = super().command()
        told = [sys.executable, "-c", _CONFIG, str(self.port), json.dumps(self.passwords)]
        path = {**os.environ, "PYTHONPATH": sources_of(self.release)}
        config = subprocess.run(told, env=path, capture_output=True, check=True).stdout
        (self.directory / "nats.conf").write_bytes(config)
        return command


@dataclass
class House:
    """Servers that both releases share, and what they are told."""

    folder: Path
    nats: NatsOf
    weed: SeaweedServer
    count: int = 0

    def turn_to(self, checkout: Path) -> None:
        """Has NATS begin anew as a release begins it, over what it holds."""
        self.nats.stop()
        self.nats.release = checkout
        self.nats.start()

    @asynccontextmanager
    async def gateway(self, checkout: Path) -> AsyncIterator[httpx.AsyncClient]:
        """A gateway of a release, ready."""
        port = free_ports(1)[0]
        own = {
            "PORT": port,
            "PHOTOS": self.folder / "photos",
            "WEB": self.folder / "web",
            "SESSION_KEY": KEY,
            "LEASE_S": 3,
        }
        environment = self._told("GATEWAY", own) | {"IMMICH_URL": ""}
        with self._running(checkout, ["-m", "immichvr_gateway"], environment) as log:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                deadline = time.monotonic() + PATIENCE_S
                while not await _is_ready(client):
                    assert time.monotonic() < deadline, log.read_text()[-3000:]
                    await asyncio.sleep(0.05)
                yield client

    def worker(self, checkout: Path) -> Any:
        """A worker of the service ai of a release, with a capability that is quick."""
        program = str(checkout / "tests/faults/trial_worker.py")
        return self._running(checkout, [program], self._told("AI", {"WORK__NAME": checkout.name}))

    def _told(self, service: str, own: dict[str, Any]) -> dict[str, str]:
        account, bus = self.weed.settings(service=service.lower()), self.nats.settings(service.lower())
        told = {
            "NATS__URL": bus.url, "NATS__USER": bus.user, "NATS__PASSWORD": bus.password.get_secret_value(),
            "S3__ENDPOINT": account.endpoint, "S3__ACCESS_KEY": account.access_key.get_secret_value(),
            "S3__SECRET_KEY": account.secret_key.get_secret_value(), **own,
        }  # fmt: skip
        return {f"IMMICHVR_{service}_{name}": str(value) for name, value in told.items()}

    def _running(self, checkout: Path, command: list[str], environment: dict[str, str]) -> Any:
        self.count += 1
        return Process(checkout, command, environment, self.folder / f"{self.count}.log", self.folder)


class Process:
    """A process of a release, from its start to its clean end; gives its log."""

    def __init__(
        self, checkout: Path, command: list[str], environment: dict[str, str], log: Path, folder: Path
    ) -> None:
        self._environment = {
            **os.environ, **environment, "PYTHONPATH": sources_of(checkout),
            "STUDIO": str(folder / "studio"), "IMMICHVR_MODELS_OFFLINE": "1",
            "IMMICHVR_MODELS_DIR": str(folder / "models"),
        }  # fmt: skip
        self._command, self._log, self._folder = [sys.executable, *command], log, folder

    def __enter__(self) -> Path:
        with self._log.open("ab") as out:
            self._popen = subprocess.Popen(
                self._command, env=self._environment, stdout=out, stderr=out, cwd=self._folder
            )
        return self._log

    def __exit__(self, *_: object) -> None:
        self._popen.send_signal(signal.SIGTERM)
        assert self._popen.wait(60) in (0, -signal.SIGTERM), self._log.read_text()[-3000:]


def sources_of(checkout: Path) -> str:
    """Where Python finds the code of a release."""
    return os.pathsep.join(
        map(str, [*sorted(checkout.glob("packages/*/src")), *sorted(checkout.glob("services/*/src"))])
    )


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/api/ready")).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    for name in ("photos", "studio", "web", "nats", "weed"):
        (tmp_path / name).mkdir()
    for age, name in enumerate(NAMES):
        Image.new("RGB", (8, 6), (30 * age, 90, 120)).save(tmp_path / "photos" / name)
    nats, weed = NatsOf(tmp_path / "nats").start(), SeaweedServer(tmp_path / "weed").start()
    yield House(tmp_path, nats, weed)
    nats.stop()
    weed.stop()


async def asked(client: httpx.AsyncClient, name: str) -> str:
    """Asks for depth of a photo; the id of the job."""
    photos = {one["name"]: one["id"] for one in (await client.get("/api/photos?limit=100")).json()["items"]}
    return str((await client.post(f"/api/photos/{photos[name]}/depth", json={})).json()["job"]["id"])


async def made(client: httpx.AsyncClient, name: str) -> str:
    """Has depth of a photo made; the id of the job, once it has succeeded as this gateway shows it."""
    job_id = await asked(client, name)
    await succeeded(client, job_id)
    return job_id


async def succeeded(client: httpx.AsyncClient, job_id: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (job := (await client.get(f"/api/jobs/{job_id}")).json()).get("state") != "succeeded":
        assert job.get("state") in ("queued", "running", None) and time.monotonic() < deadline, job
        await asyncio.sleep(0.05)


async def shown(client: httpx.AsyncClient) -> dict[str, Any]:
    """What a gateway says of jobs and assets, as far as both releases say it, and the files' contents."""
    jobs = (await client.get("/api/jobs?limit=100")).json()["items"]
    files = {}
    for job in jobs:
        for asset in (await client.get(f"/api/photos/{job['photo_id']}/assets")).json()["assets"]:
            assert not asset["outdated"], asset
            for file in asset["files"]:
                files[file["url"]] = hashlib.sha256((await client.get(file["url"])).content).hexdigest()
    known = ("id", "kind", "state", "run", "attempts", "outputs", "created_at", "updated_at")
    return {"jobs": [{name: job[name] for name in known} for job in jobs], "files": files}


async def test_jobs_and_events_of_either_release_are_the_others_too_and_one_may_go_back(
    house: House, release_before: Path
) -> None:
    async with house.gateway(release_before) as before:
        with house.worker(release_before):
            jobs = [await made(before, NAMES[0])]
        async with house.gateway(ROOT) as now:
            for worker in (release_before, ROOT):
                # Either gateway has either worker do it, and hears what became of the other's.
                with house.worker(worker):
                    jobs += [await made(now, NAMES[len(jobs)]), await made(before, NAMES[len(jobs) + 1])]
                    for client in (before, now):
                        for job_id in jobs:
                            await succeeded(client, job_id)
            assert await shown(before) == await shown(now)
    # Back: this release has gone, and the one before begins over what it left.
    async with house.gateway(release_before) as begun_anew:
        with house.worker(release_before):
            jobs.append(await made(begun_anew, NAMES[len(jobs)]))
        found = await shown(begun_anew)
    assert {job["id"] for job in found["jobs"]} == set(jobs)
    assert {job["state"] for job in found["jobs"]} == {"succeeded"}
    assert len(found["files"]) >= len(jobs)


async def test_jobs_that_wait_are_the_same_jobs_before_and_after_going_back(house: House, earlier: Path) -> None:
    house.turn_to(earlier)
    async with house.gateway(earlier) as before:
        with house.worker(earlier):
            done = [await made(before, NAMES[0])]
        waiting = [await asked(before, NAMES[1])]
        found = await shown(before)
    house.turn_to(ROOT)
    async with house.gateway(ROOT) as now:
        assert await shown(now) == found
        with house.worker(ROOT):
            await succeeded(now, waiting[0])
            done += [waiting.pop(), await made(now, NAMES[2])]
        waiting = [await asked(now, name) for name in NAMES[3:5]]
        found = await shown(now)
    house.turn_to(earlier)
    async with house.gateway(earlier) as back:
        assert await shown(back) == found
        with house.worker(earlier):
            for job_id in waiting:
                await succeeded(back, job_id)
        done += waiting
        waiting = [await asked(back, NAMES[5])]
        found = await shown(back)
    house.turn_to(ROOT)
    async with house.gateway(ROOT) as again:
        assert await shown(again) == found
        with house.worker(ROOT):
            await succeeded(again, waiting[0])
        found = await shown(again)
        assert [await asked(again, name) for name in NAMES] == [*done, *waiting]
        assert await shown(again) == found, "nothing is made anew"
    assert [job["id"] for job in found["jobs"]] == [*reversed([*done, *waiting])]
    assert {(job["state"], job["run"], job["attempts"]) for job in found["jobs"]} == {("succeeded", 1, 1)}
    assert len(found["files"]) >= len(NAMES)
