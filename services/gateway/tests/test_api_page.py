"""docs/api.md: its commands do what it says, against a real gateway; its code verifies and its types fit."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from immichvr_gateway.hooks.signing import new_secret, signed
from immichvr_gateway.openapi import document
from immichvr_gateway.settings import HookSettings
from pydantic import SecretStr

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/api.md").read_text()
TOOLS = [ROOT / "node_modules/.bin", ROOT / "services/gateway/web/node_modules/.bin"]
JQ = f"""#!{sys.executable}
import json, re, sys
found = json.load(sys.stdin)
for name, place in re.findall(r"([a-z_]+)|\\[(\\d+)\\]", sys.argv[-1]):
    found = found[name] if name else found[int(place)]
print(found if isinstance(found, str) else json.dumps(found))
"""


def blocks(language: str) -> list[str]:
    """The page's code in a language."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return found


@pytest.fixture
def settings(settings: Any) -> Any:
    """As those of other tests, with webhooks of this machine."""
    hooks = HookSettings(private_networks="127.0.0.0/8")
    return settings.model_copy(update={"session_key": SecretStr("a key of tests"), "hooks": hooks})


async def run(script: str, folder: Path, **environment: str) -> str:
    """What a script says that ends well."""
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), *map(str, TOOLS), os.environ["PATH"]])
    process = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", script, cwd=folder, env={**os.environ, **environment, "PATH": path},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, said.decode()
    return said.decode()


async def test_the_commands_of_the_page_do_what_it_says(gateway, workers, tmp_path: Path) -> None:
    jq = tmp_path / "jq"
    jq.write_text(JQ)
    jq.chmod(0o755)
    script = "\n".join(block for block in blocks("sh") if "curl" in block)
    assert script.count("curl") >= 9
    said = await run(script, tmp_path, GATEWAY=gateway.url, KEY="any", HOOK_URL="http://127.0.0.1:9/hook")
    assert said.startswith("true\n") and "succeeded" in said
    assert (tmp_path / "photo.spz").read_bytes()[:16] == (tmp_path / "head.bin").read_bytes()


def test_the_code_that_verifies_takes_what_is_signed_and_nothing_else() -> None:
    names: dict[str, Any] = {}
    exec(blocks("python")[0], names)  # noqa: S102  # it is what people copy
    verify, secret, body = names["verify"], new_secret(), b'{"type":"job.failed"}'
    headers = signed(secret, "evt_1", int(time.time()), body)
    assert verify(secret, headers, body)
    assert not verify(secret, headers, body + b" ")
    assert not verify(new_secret(), headers, body)
    assert not verify(secret, {**headers, "webhook-id": "evt_2"}, body)
    assert not verify(secret, signed(secret, "evt_1", int(time.time()) - 600, body), body)


def test_the_typed_code_of_the_page_names_an_operation_that_there_is() -> None:
    """In short; that its types fit is for the night."""
    [named] = re.findall(r'operations\["(\w+)"\]\["responses"\]\["(\d+)"\]', blocks("ts")[0])
    paths = document()["paths"]
    [(path, listing)] = [
        (path, one) for path, methods in paths.items() for one in methods.values() if one.get("operationId") == named[0]
    ]
    assert named[1] in listing["responses"] and f"{path}`" in blocks("ts")[0]


# In short, that the code of the page names an operation that there is, with its answer, is held above.
@pytest.mark.long
@pytest.mark.skipif(
    not all((tools / name).exists() for tools, name in zip(TOOLS, ("openapi-typescript", "tsc"), strict=True)),
    reason="openapi-typescript and tsc are not installed: make setup brings them",
)
async def test_the_typed_client_is_made_and_its_types_fit(tmp_path: Path) -> None:
    [script] = [block for block in blocks("sh") if "openapi-typescript" in block]
    await run(script, tmp_path)
    (tmp_path / "client.ts").write_text(blocks("ts")[0])
    check = [
        "tsc",
        "--noEmit",
        "--strict",
        "--lib",
        "es2022,dom",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
    ]
    await run(" ".join([*check, "client.ts"]), tmp_path)
    (tmp_path / "client.ts").write_text(blocks("ts")[0].replace("photo.name", "photo.title"))
    with pytest.raises(AssertionError, match="title"):
        await run(" ".join([*check, "client.ts"]), tmp_path)
