"""Writes tools/image/hashes.txt anew: the SHA-256 of every file that images may install, for the versions held.

Read from the package index by uv. Not of torch's builds and what belongs to them: each backend has an index of its own,
with files of the same version that differ.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import workspace

ROOT = Path(__file__).resolve().parents[1]
OF_TORCH = re.compile(r"(torch|triton|cuda-[\w-]+|nvidia-[\w-]+)==")
_ELSEWHERE = re.compile(r"; .*sys_platform == '(win32|emscripten)'")
_HEAD = "# Written by tools/hashes.py.\n"


def required(root: Path) -> list[str]:
    """What the images of all services need of others, for CPUs and for CUDA."""
    parts = [part for one in workspace.services(root) for part in workspace.closure(root, one)]
    return sorted({*workspace.foreign(root, parts), *(line for part in parts for line in part.for_cuda)})


def compiled(requirements: list[str], constraints: Path) -> str:
    """Each version with its hashes, as uv writes them. Raises CalledProcessError."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(requirements))
        file.flush()
        uv = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--universal"]
        options = ["--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header"]
        made = subprocess.run([*uv, *options, "-c", str(constraints), file.name], check=True, stdout=subprocess.PIPE)
    return made.stdout.decode()


def main() -> None:
    blocks = re.split(r"^(?=\S)", compiled(required(ROOT), ROOT / "constraints.txt"), flags=re.MULTILINE)
    kept = [block for block in blocks if block and not OF_TORCH.match(block) and not _ELSEWHERE.search(block)]
    (ROOT / workspace.HASHES).write_text(_HEAD + "".join(kept), "utf-8")


if __name__ == "__main__":
    main()
