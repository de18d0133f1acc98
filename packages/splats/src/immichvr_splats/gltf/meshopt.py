"""EXT_meshopt_compression's vertex codec, version 0: mode ATTRIBUTES without filters.

Byte 0xA0; then blocks of up to 256 elements, as many as 8,192 bytes hold in whole sixteens. Each block holds, for
each byte of the element in turn, its differences to the byte of the element before, zigzagged, in groups of 16: first
a header of 2 bits a group, four to a byte, then the groups. 0: all zero. 1, 2: 2 or 4 bits each, first element
highest; all bits set means that the byte follows the group. 3: 16 bytes. Last, the first element itself, behind
zeros up to 32 bytes in all. Source: EXT_meshopt_compression specification, appendix A, and
github.com/zeux/meshoptimizer `vertexcodec.cpp`.
"""

import numpy as np

from immichvr_splats.compiled import I64, U8, kernel
from immichvr_splats.errors import MalformedFileError

EXTENSION = "EXT_meshopt_compression"
LARGEST_STRIDE = 256
_HEADER = 0xA0
_BLOCK_BYTES = 8192
_BLOCK_ELEMENTS = 256
_GROUP = 16
_TAIL_BYTES = 32


def encode(elements: U8) -> bytes:
    """Pack `elements`, (N, stride); stride is a multiple of 4, at most 256."""
    count, stride = elements.shape
    groups = -(-count // _GROUP) + count // _block_size(stride) + 1
    out = np.zeros(1 + groups * stride * (_GROUP + 1) + stride + _TAIL_BYTES, np.uint8)
    out[0] = _HEADER
    size = _encode(elements, _block_size(stride), out)
    tail = max(stride, _TAIL_BYTES)
    if count:
        out[size + tail - stride : size + tail] = elements[0]
    return out[: size + tail].tobytes()


def decode(data: memoryview, count: int, stride: int, where: str) -> U8:
    """Unpack `count` elements of `stride` bytes, (count, stride). Raises MalformedFileError."""
    if stride == 0 or stride % 4 or stride > LARGEST_STRIDE:
        raise MalformedFileError(f"{where}.byteStride: {stride}, wants a multiple of 4 up to {LARGEST_STRIDE}")
    tail = max(stride, _TAIL_BYTES)
    if data.nbytes < 1 + tail or data[0] != _HEADER:
        raise MalformedFileError(f"{where}: no packed vertices of version 0 ({data.nbytes} bytes)")
    # Even a group of zeros takes two bits of each byte of its elements.
    if count * stride > data.nbytes * _GROUP * 4:
        raise MalformedFileError(f"{where}: {data.nbytes:,} bytes cannot hold {count:,} elements of {stride} bytes")
    elements = np.empty((count, stride), np.uint8)
    packed = np.frombuffer(data, np.uint8)
    end = packed.size - tail
    used = _decode(packed[1:end].copy(), packed[packed.size - stride :].copy(), _block_size(stride), elements)
    if used != end - 1:
        raise MalformedFileError(f"{where}: damaged, {count:,} elements end at byte {used:,} of {end - 1:,}")
    return elements


def _block_size(stride: int) -> int:
    return min(_BLOCK_BYTES // stride // _GROUP * _GROUP, _BLOCK_ELEMENTS)


@kernel
def _group_bits(deltas: U8) -> int:
    """The code, 0 to 3, under which 16 differences take the least room."""
    if deltas.max() == 0:
        return 0
    best, best_size = 3, 16
    for code in (1, 2):
        bits = 2 * code
        size = 2 * bits
        for i in range(16):
            size += deltas[i] >= (1 << bits) - 1
        if size < best_size:
            best, best_size = code, size
    return best


@kernel
def _encode(elements: U8, block: int, out: U8) -> int:
    count, stride = elements.shape
    at = 1
    deltas = np.zeros(_BLOCK_ELEMENTS, np.uint8)
    for start in range(0, count, block):
        size = min(block, count - start)
        groups = (size + 15) // 16
        for k in range(stride):
            deltas[:] = 0
            for i in range(size):
                row = start + i
                before = np.int64(elements[row - 1, k]) if row else np.int64(elements[0, k])
                delta = (np.int64(elements[row, k]) - before) & 255
                deltas[i] = ((delta << 1) & 255) ^ (255 if delta & 128 else 0)
            header = at
            at += (groups + 3) // 4
            for group in range(groups):
                part = deltas[16 * group : 16 * group + 16]
                code = _group_bits(part)
                out[header + group // 4] |= code << (2 * (group % 4))
                at = _put_group(part, code, out, at)
    return at


@kernel
def _put_group(part: U8, code: int, out: U8, at: int) -> int:
    if code == 0:
        return at
    if code == 3:
        out[at : at + 16] = part
        return at + 16
    bits = 2 * code
    full = (1 << bits) - 1
    per_byte = 8 // bits
    extra = at + 2 * bits
    for i in range(16):
        value = min(int(part[i]), full)
        out[at + i // per_byte] |= value << (8 - bits * (i % per_byte + 1))
        if value == full:
            out[extra] = part[i]
            extra += 1
    return extra


@kernel
def _decode(data: U8, first: U8, block: int, elements: U8) -> int:
    """Fills `elements`; how many bytes of `data` that took, -1 where they did not suffice."""
    count, stride = elements.shape
    last = first.astype(np.int64)
    part = np.zeros(16, np.int64)
    at = 0
    for start in range(0, count, block):
        size = min(block, count - start)
        groups = (size + 15) // 16
        for k in range(stride):
            header = at
            at += (groups + 3) // 4
            if at > data.size:
                return -1
            for group in range(groups):
                code = (data[header + group // 4] >> (2 * (group % 4))) & 3
                at = _take_group(data, at, code, part)
                if at < 0:
                    return -1
                for i in range(min(16, size - 16 * group)):
                    delta = (part[i] >> 1) ^ -(part[i] & 1)
                    last[k] = (last[k] + delta) & 255
                    elements[start + 16 * group + i, k] = last[k]
    return at


@kernel
def _take_group(data: U8, at: int, code: int, part: I64) -> int:
    if code == 0:
        part[:] = 0
        return at
    bits = 2 * code if code < 3 else 8
    extra = at + 2 * bits
    if extra > data.size:
        return -1
    full = (1 << bits) - 1
    per_byte = 8 // bits
    for i in range(16):
        value = (np.int64(data[at + i // per_byte]) >> (8 - bits * (i % per_byte + 1))) & full
        if code < 3 and value == full:
            if extra >= data.size:
                return -1
            value = np.int64(data[extra])
            extra += 1
        part[i] = value
    return extra
