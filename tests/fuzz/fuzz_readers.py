"""Coverage-guided fuzzing of every reader of splat files, with libFuzzer through atheris.

python tests/fuzz/fuzz_readers.py FOLDER [-max_total_time=600] [other options of libFuzzer]

The first byte of an input names the reader, by its place in READERS: the formats of splats, then those of coloured
points, then SOG as a folder, whose files come in a zip. FOLDER gets a corpus that our writers make, and
grows by what reaches new code. Kernels run as plain Python, so that they too are covered and their indices checked.
"""

import gzip
import io
import json
import os
import random
import resource
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

os.environ["NUMBA_DISABLE_JIT"] = "1"

import atheris

with atheris.instrument_imports(include=["immichvr_splats"]):
    from immichvr_splats import FORMATS, Camera, GaussianCloud, ReadLimits, SplatError, read, to_bytes
    from immichvr_splats.pointclouds import POINT_FORMATS, PointCloud, points_to_bytes, read_points
    from immichvr_splats.testing.ply_files import columns, ply

import numpy as np

SPLATS = [key for key, row in FORMATS.items() if row.can_read]
POINTS = list(POINT_FORMATS)
SOG_FOLDER = "sog-folder"
READERS = [*SPLATS, *(f"points-{key}" for key in POINTS), SOG_FOLDER]
LIMITS = ReadLimits(max_bytes=1 << 16, max_points=20_000, max_decompressed_bytes=4 << 20)
SPLAT_ARRAYS = ("means", "log_scales", "quaternions", "opacity_logits", "sh")
SECONDS_PER_INPUT = 10
MEMORY_MB = 768


def read_or_refuse(data: bytes) -> None:
    """Whatever bytes come, the answer is a cloud of sound values or a SplatError that says something."""
    if not data:
        return
    place = data[0] % len(READERS)
    key = READERS[place]
    try:
        cloud, arrays = _read(place, data[1:])
    except SplatError as error:
        if not str(error):
            raise AssertionError(f"{key}: an error without a message") from error
        return
    if cloud.count > LIMITS.max_points:
        raise AssertionError(f"{key}: {cloud.count} Gaussians, beyond the limit")
    for name in arrays:
        if not np.isfinite(getattr(cloud, name)).all():
            raise AssertionError(f"{key}: {name} holds values that are no numbers")


def _read(place: int, data: bytes) -> tuple[GaussianCloud | PointCloud, tuple[str, ...]]:
    """A cloud, and which of its arrays must be finite."""
    if place < len(SPLATS):
        return read(data, SPLATS[place], LIMITS).cloud, SPLAT_ARRAYS
    if READERS[place] == SOG_FOLDER:
        with tempfile.TemporaryDirectory() as folder:
            _unpack_into(Path(folder), data)
            return read(folder, limits=LIMITS).cloud, SPLAT_ARRAYS
    return read_points(data, POINTS[place - len(SPLATS)], LIMITS).cloud, ("points",)


def _unpack_into(folder: Path, data: bytes) -> None:
    """The files of a zip, as far as there are any that a folder can hold."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                name = Path(info.filename).name
                if name and info.file_size < LIMITS.max_decompressed_bytes:
                    (folder / name).write_bytes(archive.read(info))
    except (zlib.error, zipfile.BadZipFile, OSError, EOFError, ValueError, KeyError, RuntimeError, NotImplementedError):
        return


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Change what is inside of gzip and zip too, where a changed byte would only break a checksum."""
    chance = random.Random(seed)
    if len(data) < 2 or chance.random() < 0.3:
        return bytes(atheris.Mutate(data, most))
    head, body = data[:1], data[1:]
    try:
        if body.startswith(b"\x1f\x8b"):
            inner = zlib.decompressobj(31).decompress(body, 1 << 16)
            changed = gzip.compress(atheris.Mutate(inner, 1 << 16), 1)
        elif body.startswith(b"PK"):
            changed = _with_one_entry_changed(body, chance)
        else:
            changed = atheris.Mutate(body, most - 1)
    except (zlib.error, zipfile.BadZipFile, OSError, EOFError, ValueError, KeyError, RuntimeError):
        return bytes(atheris.Mutate(data, most))
    return (head + bytes(changed))[:most]


def _with_one_entry_changed(body: bytes, chance: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        entries = {info.filename: archive.read(info) for info in archive.infolist() if info.file_size < 1 << 16}
    if not entries:
        raise ValueError("an archive without entries")
    name = chance.choice(sorted(entries))
    entries[name] = bytes(atheris.Mutate(entries[name], 1 << 14))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)
    return made.getvalue()


def make_corpus(folder: Path) -> None:
    """Files of every format that is written, small, with and without view dependence."""
    for place, key in enumerate(SPLATS):
        if not FORMATS[key].can_write:
            continue
        for count, degree in ((0, 0), (1, 0), (3, 1), (20, 3)):
            data = to_bytes(_cloud(count, degree), key)
            (folder / f"{key}-{count}-{degree}").write_bytes(bytes([place]) + data)
    for name, (key, data) in _dialects().items():
        (folder / f"dialect-{name}").write_bytes(bytes([SPLATS.index(key)]) + data)
    for place, key in enumerate(POINTS, len(SPLATS)):
        for compression in ("none", "meshopt", "draco") if "compression" in POINT_FORMATS[key].options else ("",):
            options = {"compression": compression} if compression else {}
            for count in (0, 1, 20):
                data = points_to_bytes(_points(count), key, **options)
                (folder / f"points-{key}-{compression}-{count}").write_bytes(bytes([place]) + data)
    for count, degree in ((1, 0), (20, 3)):
        data = to_bytes(_cloud(count, degree), "sog")
        (folder / f"{SOG_FOLDER}-{count}-{degree}").write_bytes(bytes([READERS.index(SOG_FOLDER)]) + data)


def _dialects() -> dict[str, tuple[str, bytes]]:
    """Files as other programs write them: format and bytes, by what is peculiar to them."""
    cloud = _cloud(3, 0)
    names = list(columns(cloud))
    plain, text = ply(cloud), ply(cloud, "ascii")
    told = b"\3\0\xbe\xad\4\0\0\0\x0c\0\0\0" + b"\2\0\xbe\xad\0\0\0\0"
    spz = bytearray(gzip.decompress(to_bytes(cloud, "spz")))
    spz[14] = 3
    with zipfile.ZipFile(io.BytesIO(to_bytes(cloud, "sog"))) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    meta = json.loads(entries["meta.json"])
    del meta["version"]
    meta["means"]["shape"] = [3, 3]
    meta["scales"] |= {"mins": [-6] * 3, "maxs": [-1] * 3}
    meta["sh0"] |= {"mins": [-1] * 4, "maxs": [1] * 4}
    old = io.BytesIO()
    with zipfile.ZipFile(old, "w") as archive:
        for name, content in (entries | {"meta.json": json.dumps(meta).encode()}).items():
            archive.writestr(f"scene/{name}", content)
    return {
        "doubles": ("ply", ply(cloud, scalar="f8").replace(b"ply\n", b"ply\ncomment offset 5e5 4e6 0\n", 1)),
        "surfels": ("ply", ply(cloud, names=[name for name in names if name != "scale_2"])),
        "filter": ("ply", ply(cloud, names=[*names, "filter_3D", "label"])),
        "prefix": ("ply", plain.replace(b"float opacity", b"float scalar_opacity")),
        "colours": ("ply", plain.replace(b"f_dc_0", b"red").replace(b"f_dc_1", b"green").replace(b"f_dc_2", b"blue")),
        "degree 4": ("ply", ply(cloud, names=[*names, *(f"f_rest_{i}" for i in range(72))])),
        "returns": ("ply", text.replace(b"\n", b"\r")),
        "windows": ("ply", text.replace(b"end_header\n", b"end_header\n\n-nan(ind) ")),
        "axes": ("spz", gzip.compress(bytes(spz) + told)),
        "version 1": ("sog", old.getvalue()),
    }


def _cloud(count: int, degree: int) -> GaussianCloud:
    chance = np.random.default_rng(count)
    return GaussianCloud(
        means=chance.normal(0, 3, (count, 3)),
        log_scales=chance.uniform(-6, -1, (count, 3)),
        quaternions=np.tile([1.0, 0, 0, 0], (count, 1)),
        opacity_logits=chance.uniform(-4, 6, count),
        sh=0.2 * chance.standard_normal((count, (degree + 1) ** 2, 3)),
        camera=Camera(60, 60, 32, 24, 64, 48) if count == 1 else None,
    )


def _points(count: int) -> PointCloud:
    chance = np.random.default_rng(count)
    return PointCloud(
        points=chance.normal(0, 3, (count, 3)).astype(np.float32),
        colors=chance.integers(0, 256, (count, 3), np.uint8),
        confidence=chance.uniform(0, 1, count).astype(np.float32) if count == 20 else None,
    )


def _limit_memory() -> None:
    """Let more than MEMORY_MB be a MemoryError, and so a finding.

    libFuzzer's own limit goes by the highest resident size, which Linux carries over from the process that started
    this one.
    """
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = mapped + MEMORY_MB * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main() -> None:
    """Make the corpus and fuzz until something breaks or time is up."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    make_corpus(folder)
    _limit_memory()
    limits = [f"-timeout={SECONDS_PER_INPUT}", "-rss_limit_mb=0", "-max_len=65536"]
    atheris.Setup([*sys.argv, *limits], read_or_refuse, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
