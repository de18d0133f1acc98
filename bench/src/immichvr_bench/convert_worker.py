"""One converter, kept warm: reads requests as lines of JSON, converts from file to file, answers with its own clock.

python convert_worker.py TOOL, in the environment where TOOL is installed; needs nothing else.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Request = dict[str, Any]
"""input, output: paths. source, target: keys of our formats. options: of our writer."""

_SLICE = 1 << 20
_GAUSSFORGE_NAMES = {"compressed-ply": "compressed.ply"}


def ours() -> Callable[[Request], object]:
    splats = importlib.import_module("immichvr_splats")
    splats.warm()
    return lambda r: splats.convert(r["input"], r["output"], r["source"], r["target"], **r["options"])


def gaussforge() -> Callable[[Request], object]:
    forge = importlib.import_module("gaussforge").GaussForge()

    def run(request: Request) -> None:
        source, target = (_GAUSSFORGE_NAMES.get(request[end], request[end]) for end in ("source", "target"))
        version = request["options"].get("version", 3)
        result = forge.convert(Path(request["input"]).read_bytes(), source, target, spz_version=version)
        if "error" in result:
            raise ValueError(result["error"])
        Path(request["output"]).write_bytes(result["data"])

    return run


def gsply(backend: str) -> Callable[[Request], object]:
    library = importlib.import_module("gsply")
    library.use_backend(backend)

    def run(request: Request) -> None:
        source, target, output = request["source"], request["target"], request["output"]
        data = library.read_spz(request["input"]) if source == "spz" else library.plyread(request["input"])
        if target == "spz":
            library.write_spz(output, data, version=request["options"].get("version", 3))
        else:
            library.plywrite(output, data, compressed=target == "compressed-ply")

    return run


def ply2splat() -> Callable[[Request], object]:
    library = importlib.import_module("ply2splat")
    return lambda request: library.convert(request["input"], request["output"], sort=False)


def limit() -> Callable[[Request], object]:
    """What the machine itself needs: mapping the input, a look at each page, and writing options["size"] bytes."""
    slices = memoryview(bytes(_SLICE))

    def run(request: Request) -> None:
        size, output = request["options"]["size"], Path(request["output"])
        with Path(request["input"]).open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        sum(memoryview(data)[:: mmap.PAGESIZE])
        part = output.with_suffix(".part")
        with part.open("wb", buffering=0) as file:
            os.posix_fallocate(file.fileno(), 0, size)
            for start in range(0, size, _SLICE):
                file.write(slices[: size - start])
        part.replace(output)

    return run


TOOLS: dict[str, Callable[[], Callable[[Request], object]]] = {
    "ours": ours,
    "limit": limit,
    "gaussforge": gaussforge,
    "gsply python": lambda: gsply("python"),
    "gsply cpp": lambda: gsply("cpp"),
    "ply2splat": ply2splat,
}


def main() -> None:
    """Serve until the input ends. Answers {wall, cpu} in seconds, or {error}."""
    run = TOOLS[sys.argv[1]]()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            run(request)
        except Exception as error:  # noqa: BLE001 - whatever a peer raises is a row of the table, not the bench's end
            answer: dict[str, object] = {"error": f"{type(error).__name__}: {error}"[:200]}
        else:
            answer = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
