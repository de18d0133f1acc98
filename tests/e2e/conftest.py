"""The whole stack as `immichvr up` runs it, and a real browser in front of it."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import skimage.data
from immichvr_catalog.testing import distribution
from immichvr_common.embedded import free_ports, stop_process
from immichvr_models import registry
from immichvr_models.testing import running_hub, throttled, weights_of
from PIL import Image
from playwright.async_api import Browser, Page, async_playwright, expect

LIVE_MODEL = "da2-base"
FETCHED = next(
    model
    for model in registry
    if not model.licence.permissive
    and model.key != LIVE_MODEL
    and model.files
    and not any(file.size or file.sha256 for file in model.files)
)
"""A model whose licence asks for a yes and whose files are learned at the first download: any bytes will do."""
WEIGHTS = weights_of(random.Random(4).randbytes(900_000))
FILM = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(range(256)) * 4096
"""What stands for a video: nobody decodes it."""
_ENDS = ("succeeded", "failed", "cancelled")
_PAUSE_S = 0.2
"""Between two questions about a job: each takes from the stack what the work could have."""
_HERE = Path(__file__).parent
_MODULES = _HERE.parents[1] / "services/gateway/web/node_modules"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FOLDER = 'Jürgen, 写真 "a" $b %20 #c'
_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
_FLAGS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    # Pages are put together by the browser itself: a graphics card in software takes several times as long.
    "--disable-gpu-compositing",
    # Whoever asks gets a camera: a moving test picture, as often as splats can be made of it.
    "--use-fake-device-for-media-stream=fps=5", "--use-fake-ui-for-media-stream",
]  # fmt: skip

# What takes a moment on an idle machine takes longer than the usual five seconds on one that tests everything at once.
expect.set_options(timeout=30_000)


in_one_loop = pytest_asyncio.fixture(loop_scope="session")
"""A fixture of the loop in which all tests of this folder run: the browser that they share belongs to it."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Has each test run in the one loop, unless it says another itself."""
    said = item.get_closest_marker("asyncio")
    if said is not None and not said.kwargs:
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@dataclass
class Stack:
    """A running stack: its address, its photos' folder, its data, and ids by file name.

    local: where it looks for models that people put there themselves; None where nobody does.
    """

    address: str
    photos: Path
    data: Path
    local: Path | None = None

    def photo_id(self, name: str) -> str:
        """The id of the photo in that file."""
        items = httpx.get(f"{self.address}/api/photos").json()["items"]
        return next(item["id"] for item in items if item["name"] == name)


@contextmanager
def running_up(data: Path, *arguments: str | Path, **environment: str) -> Iterator[str]:
    """`immichvr up` on a free port, keeping everything in `data`; gives its address once it is ready."""
    port = free_ports(1)[0]
    address = f"http://127.0.0.1:{port}"
    command = [Path(sys.executable).with_name("immichvr"), "up", "--data", data, "--port", str(port), *arguments]
    env = {**os.environ, "IMMICHVR_MODELS_OFFLINE": "1", **environment}
    with (data / "up.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=env, start_new_session=True)
    try:
        _await_ready(address, process, data / "up.log")
        yield address
    finally:
        # Nobody needs what it holds: the second signal asks for an end without grace.
        for number in (signal.SIGTERM, signal.SIGINT):
            process.send_signal(number)
        stop_process(process, grace_s=30)


def _await_ready(address: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            # A stack with a certificate of its own sends whoever asks in the clear to https.
            if httpx.get(f"{address}/api/ready", follow_redirects=True, verify=False).status_code == 200:  # noqa: S501
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(log.read_text())


@pytest.fixture(scope="session")
def start_up() -> Callable[..., AbstractContextManager[str]]:
    """Starts a stack of the test's own: see `running_up`."""
    return running_up


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack over a folder with three photos and a file that is none; its folders have names that people choose."""
    photos, data = (tmp_path_factory.mktemp(name) / _FOLDER for name in ("photos", "data"))
    photos.mkdir()
    data.mkdir()
    # Small: each pixel is a Gaussian to be packed, converted and drawn.
    Image.fromarray(skimage.data.coffee()).resize((360, 240)).save(photos / "coffee.jpg", quality=92)
    Image.fromarray(skimage.data.chelsea()).resize((300, 200)).save(photos / "cat.jpg", quality=92)
    # The oldest, so that it comes last; nothing is made of it but by the test that asks for it in the viewer.
    Image.fromarray(skimage.data.astronaut()).resize((320, 320)).save(photos / "astronaut.jpg", quality=92)
    os.utime(photos / "astronaut.jpg", (1_000_000_000, 1_000_000_000))
    (photos / "broken.jpg").write_bytes(b"this is no picture")
    # As of the proxy in front of it that some tests put there.
    with running_up(data, "--photos", photos, IMMICHVR_GATEWAY_TRUSTED_PROXIES="127.0.0.1") as address:
        yield Stack(address, photos, data)


@pytest.fixture(scope="package")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with what others bring to it: a service of theirs, a hub that has FETCHED, a folder of models.

    Among its photos are those of a walk through a room, the oldest; scenes are made of few Gaussians.
    """
    folder = tmp_path_factory.mktemp("extended")
    photos, data, local = (folder / name for name in ("photos", "data", "local"))
    for one in (photos, data, local):
        one.mkdir()
    Image.new("RGB", (64, 48), (200, 90, 30)).save(photos / "one.jpg")
    Image.fromarray(skimage.data.coffee()).save(photos / "coffee.jpg")
    (photos / "walk.mp4").write_bytes(FILM)
    _walk(photos)
    with running_hub() as hub, ExitStack() as stack:
        for file in FETCHED.files:
            is_large = file.path.endswith("safetensors")
            behaviour = [throttled(300_000, 16_000)] if is_large else []
            hub.add(FETCHED.url(file, ""), WEIGHTS if is_large else b"{}", *behaviour)
        environment = {
            "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "", "IMMICHVR_MODELS_OFFLINE": "",
            "IMMICHVR_MODELS_DIR": str(data / "models"), "IMMICHVR_MODELS_LOCAL": str(local),
            # Without a graphics card each Gaussian costs a browser some 15 µs a frame, and a step of training 0.1 s.
            "IMMICHVR_INPAINT_TRAINING__MAX_STEPS": "60", "IMMICHVR_INPAINT_TRAINING__MAX_GAUSSIANS": "3000",
            "IMMICHVR_INPAINT_ITERATIONS": "10",
        }  # fmt: skip
        planners = {"immichvr.planners": "play = immichvr_toy_maker.planner:PlayRequest"}
        rows = "immichvr_toy_maker.rows:ROWS"
        modules = _toy_maker(folder / "generated")
        # Its processes have found the service once they run; this one's catalogue stays what it is.
        with distribution(folder / "distribution", "immichvr-toy-maker", modules, rows, planners):
            address = stack.enter_context(running_up(data, "--photos", photos, **environment))
        yield Stack(address, photos, data, local)


def _walk(photos: Path) -> None:
    """Photos of a walk through a room, older than any other."""
    from immichvr_scenes import Camera
    from immichvr_scenes.testing import room, through, write_photo

    camera, place = Camera.central(240, 180, 198), room()
    for number, view in enumerate(through(camera, 8)):
        path = photos / f"walk-{number}.jpg"
        write_photo(path, place.look(view).rgb, camera.fx)
        os.utime(path, (1_000_000_000 + number,) * 2)


def _toy_maker(generated: Path) -> dict[str, str]:
    """Modules of a service that no code of ours knows and those of its messages, by name."""
    from grpc_tools import protoc

    service = _HERE / "toy_maker"
    proto = service / "proto"
    generated.mkdir()
    files = [str(path) for path in proto.rglob("*.proto")]
    assert protoc.main(["protoc", f"-I{proto}", f"--python_out={generated}", *files]) == 0
    return {
        path.relative_to(root).with_suffix("").as_posix(): path.read_text()
        for root in (service, generated)
        for path in root.rglob("*.py")
    }


@in_one_loop
async def api(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """The stack's HTTP API."""
    async with httpx.AsyncClient(base_url=stack.address, timeout=30) as client:
        yield client


@pytest.fixture
def ended() -> Callable[..., Any]:
    """Waits for the end of a job: `await ended(api, job)`."""

    async def wait(api: httpx.AsyncClient, job: dict[str, Any], seconds: float = 60) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            while True:
                found: dict[str, Any] = (await api.get(f"/api/jobs/{job['id']}")).json()
                if found["state"] in _ENDS:
                    return found
                await asyncio.sleep(_PAUSE_S)

    return wait


@pytest.fixture
def ended_of() -> Callable[..., Any]:
    """The same with a client that blocks: `ended_of(client, job)`."""

    def wait(client: httpx.Client, job: dict[str, Any], seconds: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found: dict[str, Any] = client.get(f"/api/jobs/{job['id']}").json()
            if found["state"] in _ENDS:
                return found
            time.sleep(_PAUSE_S)
        raise TimeoutError(job["id"])

    return wait


def browser_path() -> str | None:
    """An installed Chromium or Chrome."""
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    return found or (_MACOS if Path(_MACOS).exists() else None)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless browser that every test has contexts of its own in, and pages.

    Without one installed the test is skipped, unless IMMICHVR_REQUIRE_BROWSER is set.
    """
    path = browser_path()
    if path is None:
        assert not os.environ.get("IMMICHVR_REQUIRE_BROWSER"), "a browser is required and none is installed"
        pytest.skip("no Chromium or Chrome is installed: apt install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, headless=True, args=_FLAGS)
        yield browser
        await browser.close()


@asynccontextmanager
async def clean_page(browser: Browser, **options: Any) -> AsyncIterator[Page]:
    """A small window whose console must stay clean of errors of our own."""
    usual = {"viewport": {"width": 480, "height": 320}, "reduced_motion": "reduce", "service_workers": "block"}
    context = await browser.new_context(**{**usual, **options})
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if _is_ours(message) else None)
    yield page
    await context.close()
    assert not errors, errors


@in_one_loop
async def page(browser: Browser) -> AsyncIterator[Page]:
    """See `clean_page`."""
    async with clean_page(browser) as page:
        yield page


def _is_ours(message: Any) -> bool:
    # The browser itself reports answers of 4xx on the console; the pages handle them.
    return message.type == "error" and "Failed to load resource" not in message.text


@pytest.fixture
def spark_page(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a page with nothing but Spark, and the folder of the files it can show."""
    folders = {
        "three": _MODULES / "three/build",
        "addons": _MODULES / "three/examples/jsm",
        "spark": _MODULES / "@sparkjsdev/spark/dist",
        "files": tmp_path,
    }

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            folder, _, name = path.partition("?")[0].strip("/").partition("/")
            return str(folders[folder] / name if folder in folders else _HERE / "spark_page.html")

        def log_message(self, format: str, *args: object) -> None:
            """Keeps the test's output to itself."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", tmp_path
        server.shutdown()


@pytest.fixture
def until(page: Page) -> Callable[..., Any]:
    """Waits until the page's state says something: `await until(lambda state: state["mode"] == "splat")`."""

    async def wait(wanted: Callable[[dict[str, str]], bool], seconds: float = 60) -> dict[str, str]:
        # The page forbids eval, and with it the browser's own way to wait for a condition.
        async with asyncio.timeout(seconds):
            while True:
                state: dict[str, str] = await page.evaluate("() => ({...document.body.dataset})")
                if wanted(state):
                    return state
                await asyncio.sleep(0.05)

    return wait
