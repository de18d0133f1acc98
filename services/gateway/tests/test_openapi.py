"""The API does what its description says, for requests that nobody thought of."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from immichvr_gateway.auth import attempts

SECONDS, LONG_S = 15, 180
HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def any_number_of_wrong_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is looked at: what is tried out sends hundreds, and takes the 429 of `Attempts` for a way around them."""
    for of in ("_OF_PLACE", "_OF_ACCOUNT"):
        monkeypatch.setattr(attempts, of, 1_000_000)


async def test_the_api_keeps_what_its_description_promises(shared, tmp_path: Path) -> None:
    await _try_out(shared.url, tmp_path, SECONDS, seed=1)


# In short, the test above.
@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.timeout(LONG_S + 300)
async def test_the_api_keeps_it_also_when_it_is_tried_for_longer(shared, tmp_path: Path, seed: int) -> None:
    await _try_out(shared.url, tmp_path, LONG_S, seed)


async def _try_out(url: str, folder: Path, seconds: int, seed: int) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    settings, hooks = HERE / "schemathesis.toml", HERE / "fuzzing_hooks.py"
    run = await asyncio.create_subprocess_exec(
        program, f"--config-file={settings}", "--no-color",
        "run", f"{url}/api/openapi.json",
        "--phases=coverage,fuzzing",
        f"--max-time={seconds}", f"--seed={seed}", "--generation-database=none", "--request-timeout=20",
        "--warnings=off",
        cwd=folder, env=os.environ | {"SCHEMATHESIS_HOOKS": str(hooks)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await asyncio.wait_for(run.communicate(), seconds + 140)
    assert run.returncode == 0, told.decode()[-12000:]
