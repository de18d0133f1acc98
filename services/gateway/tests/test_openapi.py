"""The API does what its description says, for requests that nobody thought of."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

SECONDS = 30


async def test_the_api_keeps_what_its_description_promises(gateway, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    run = await asyncio.create_subprocess_exec(
        program, "--no-color", "run", f"{gateway.url}/api/openapi.json", "--checks=all", "--phases=coverage,fuzzing",
        f"--max-time={SECONDS}", "--seed=1", "--generation-database=none", "--request-timeout=20", "--warnings=off",
        # A job that is cancelled is still there, cancelled.
        "--exclude-checks=use_after_free",
        cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await asyncio.wait_for(run.communicate(), 170)
    assert run.returncode == 0, told.decode()[-12000:]
