"""Whether a file is what its name says, told from its content: what is believed where no checksum is known."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

LARGEST_TEXT = 1_000_000
"""Bytes of a model's JSON file, at most; they have some thousands."""
_LARGEST_HEADER = 16_000_000
"""Bytes of a safetensors header, at most: room for a hundred thousand tensors."""
_BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8,
         "U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8, "C64": 64}  # fmt: skip
_POINTER = b"version https://git-lfs.github.com/"


class NotTheFile(ValueError):
    """A file's content is not what its name promises; the message says what it is instead."""


def judge(path: Path, suffix: str) -> None:
    """Raises NotTheFile where this cannot be a file of this kind (`.json`, …), OSError where it cannot be read."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    if b"\0" not in head[:512] and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        title = re.search(rb"<title[^>]*>([^<]{1,80})", head, re.IGNORECASE)
        named = f" ({title[1].decode('utf-8', 'replace').strip()!r})" if title else ""
        raise NotTheFile(f"it is a web page{named}, as a login page would be")
    if not head:
        raise NotTheFile("it is empty")
    if head.startswith(_POINTER):
        raise NotTheFile("it is a pointer of git LFS, not what that points to")
    match suffix:
        case ".json":
            _judge_json(path)
        case ".safetensors":
            tensors(path)


def tensors(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in a safetensors file, after holding its header against its size.

    The header is JSON, after its length in 8 bytes (https://huggingface.co/docs/safetensors). Raises NotTheFile,
    OSError.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 0 < length <= min(_LARGEST_HEADER, size - 8):
            raise NotTheFile("it does not begin as a safetensors file does")
        header = _object(stream.read(length))
    shapes, spans = {}, []
    try:
        for name, tensor in header.items():
            if name == "__metadata__":
                continue
            shape, (start, end) = tuple(tensor["shape"]), tensor["data_offsets"]
            numbers = (*shape, start, end)
            if not all(isinstance(number, int) and number >= 0 for number in numbers):
                raise ValueError(f"the tensor {name} has impossible figures")
            bits = _BITS.get(tensor["dtype"])
            if bits is not None and (end - start) * 8 != bits * math.prod(shape):
                raise ValueError(f"the tensor {name} has another size than its shape")
            shapes[name] = shape
            spans.append((start, end))
    except (TypeError, KeyError, AttributeError, ValueError, OverflowError) as error:
        raise NotTheFile(f"its header is none of a safetensors file: {str(error)[:100]}") from error
    place = 0
    for start, end in sorted(spans):
        if start != place or end < start:
            raise NotTheFile("its tensors do not follow one upon the other")
        place = end
    if not spans or 8 + length + place != size:
        raise NotTheFile(f"its header tells of {8 + length + place} bytes, and it has {size}")
    return shapes


def _judge_json(path: Path) -> None:
    if path.stat().st_size > LARGEST_TEXT:
        raise NotTheFile(f"it is larger than {LARGEST_TEXT} bytes")
    content = _object(path.read_bytes())
    if "error" in content or "errors" in content:
        raise NotTheFile("it is the error message of a server")


def _object(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotTheFile(f"it is no JSON ({type(error).__name__})") from error
    if not isinstance(content, dict):
        raise NotTheFile("it is no JSON object")
    return content
