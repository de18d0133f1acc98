"""A file without a known checksum is believed only if it is what its name says."""

import json
import struct
from pathlib import Path

import pytest
from immichvr_models.content import NotTheFile, judge, tensors
from immichvr_models.testing import weights_of


def weights(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(start: int, end: int, dtype: str = "F32", shape: list[int] | None = None) -> dict[str, object]:
    return {"dtype": dtype, "shape": [(end - start) // 4] if shape is None else shape, "data_offsets": [start, end]}


PAGE = b"\xef\xbb\xbf\n <!DOCTYPE html><html><head><TITLE>Hotel Wi-Fi</TITLE></head><body>Sign in</body></html>"


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "model.pt"])
def test_a_login_page_is_called_one(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    for page in (PAGE, b"<html>" + b"x" * 10_000, b"<?xml version='1.0'?><Error>AccessDenied</Error>"):
        file.write_bytes(page)
        with pytest.raises(NotTheFile, match="it is a web page"):
            judge(file, file.suffix)
    file.write_bytes(PAGE)
    with pytest.raises(NotTheFile, match="Hotel Wi-Fi"):
        judge(file, file.suffix)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[1]",
        b'{"error": "Repository not found"}',
        b'{"a": ' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a": "' + b"x" * 1_000_001 + b'"}',
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_configuration_is_not_taken_for_one(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(content)
    with pytest.raises(NotTheFile):
        judge(file, file.suffix)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        bytes(1000),
        weights({}),
        weights([1], bytes(8)),
        weights({"a": tensor(0, 8)}, bytes(7)),
        weights({"a": tensor(0, 8)}, bytes(9)),
        weights({"a": tensor(0, 8), "b": tensor(4, 12)}, bytes(12)),
        weights({"a": tensor(0, 8), "b": tensor(12, 16)}, bytes(16)),
        weights({"a": tensor(0, 8, shape=[3])}, bytes(8)),
        weights({"a": tensor(0, 8, shape=[-1, -2])}, bytes(8)),
        weights({"a": tensor(0, 8, shape=[1e9])}, bytes(8)),  # type: ignore[list-item]
        weights({"a": {"dtype": [], "shape": [2], "data_offsets": [0, 8]}}, bytes(8)),
        weights({"a": 5}, bytes(8)),
        weights({"a": {"dtype": "F32"}}, bytes(8)),
        weights(b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
        weights({"a": tensor(0, 8)}, bytes(8), length=2**63),
    ],
)
def test_what_is_no_weights_is_not_taken_for_them(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(NotTheFile):
        judge(file, file.suffix)


def test_real_files_are_what_they_are(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(weights({"__metadata__": {"format": "pt"}, "b": tensor(8, 16), "a": tensor(0, 8)}, bytes(16)))
    judge(file, file.suffix)
    assert tensors(file) == {"b": (2,), "a": (2,)}
    file.write_bytes(weights_of(b"x" * 52))
    judge(file, file.suffix)
    config = tmp_path / "config.json"
    config.write_text('{"model_type": "depth_anything"}')
    judge(config, config.suffix)
