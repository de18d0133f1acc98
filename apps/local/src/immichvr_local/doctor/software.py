"""Checks of what has to be installed: Python, servers, the viewer and what builds and tests it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from immichvr_catalog import SERVICES
from immichvr_common.embedded import StartFailed, binary

from immichvr_local.doctor.check import Check, fail, ok, warn

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_CHROME_ON_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
_VERSION_S = 20


def python() -> Check:
    """Whether this Python will do."""
    found = f"{sys.version.split()[0]} at {sys.executable}"
    return ok("Python", found) if sys.version_info >= (3, 11) else fail("Python", found, "install Python 3.11 or newer")


def services() -> Check:
    """Whether the services are installed."""
    missing = [service.name for service in SERVICES.values() if not _can_be_run(service.module)]
    if missing:
        return fail("services", f"not installed: {', '.join(missing)}", "make setup")
    return ok("services", ", ".join(SERVICES))


def _can_be_run(module: str) -> bool:
    return importlib.util.find_spec(module) is not None and importlib.util.find_spec(f"{module}.__main__") is not None


def server(name: str, override: str, *version: str) -> Check:
    """Whether a server's program is here and runs."""
    try:
        program = binary(name, override)
        answer = subprocess.run([program, *version], capture_output=True, text=True, timeout=_VERSION_S, check=True)
    except StartFailed:
        return fail(name, "not found", f"make setup, or set {override} to its path")
    except (OSError, subprocess.SubprocessError) as error:
        return fail(name, f"does not run: {error}", f"make setup, or set {override} to the path of one that does")
    return ok(name, f"{(answer.stdout or answer.stderr).splitlines()[0]} at {program}")


def node() -> Check:
    """Whether the viewer can be built here."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        remedy = "needed to build the viewer: https://nodejs.org, or your distribution's nodejs and npm packages"
        return warn("Node.js", f"not found: {', '.join(missing)}", remedy)
    try:
        answer = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=_VERSION_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return warn("Node.js", f"does not run: {error}", "install it anew: https://nodejs.org")
    return ok("Node.js", answer.stdout.strip())


def viewer() -> Check:
    """Whether the viewer has been built."""
    spec = importlib.util.find_spec("immichvr_gateway")
    if spec is None or spec.origin is None:
        return fail("viewer", "the gateway is not installed", "make setup")
    page = Path(spec.origin).parents[2] / "web" / "dist" / "index.html"
    return ok("viewer", f"built in {page.parent}") if page.is_file() else warn("viewer", "not built", "make web")


def browser() -> Check:
    """Whether there is a browser for the tests."""
    found = next((path for path in map(shutil.which, _BROWSERS) if path), None)
    if found is None and _CHROME_ON_MACOS.exists():
        found = str(_CHROME_ON_MACOS)
    if found:
        return ok("browser", found)
    return warn("browser", "no Chromium or Chrome", "only tests need it: apt install chromium, or install Chrome")
