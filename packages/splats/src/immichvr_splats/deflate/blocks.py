"""Deflate blocks for planes of which more is known than that they are bytes.

Symbols that are few and independent, as levels of spherical harmonics are, repeat by accident: a search for repetitions
is most of a compressor's work there, and a quick one's files are larger for what it finds. Where rows repeat as a
whole, as packed rotations do, rows are all that has to be looked for.
Source: RFC 1951, section 3.2.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.compiled import I64, U8, U64, kernel
from immichvr_splats.deflate.huffman import LONGEST_CODE, code_lengths, code_table

U32 = NDArray[np.uint32]

_END = 256
_LITERALS, _DISTANCES, _LENGTH_CODES = 286, 30, 19
_LENGTH_CODE_ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])
_LONGEST_LENGTH_CODE = 7
_MOST_HEADER_BITS = 17 + 3 * _LENGTH_CODES + _LONGEST_LENGTH_CODE * (_LITERALS + _DISTANCES)
_WORDS_TO_SPARE = 4
_DYNAMIC = 2 << 1
_HASH_BITS = 15
_HASH_FACTOR = np.uint32(2654435761)  # of Knuth's multiplicative hashing
_FARTHEST_ROW = 8191
_MOST_ROWS = 64
_ROW_BYTES = 4
_MOST_ROW_BITS = 64  # four literals of 15, or one and a match of 20 and 28
_EMPTY_STORED_BLOCK = b"\0\0\xff\xff"


def _ranges(first: int, extra_bits: list[int]) -> tuple[I64, I64]:
    """The first number that each code stands for, and how many bits after it tell which."""
    extra = np.array(extra_bits)
    return first + np.concatenate(([0], np.cumsum(1 << extra)[:-1])), extra


_LENGTH_BASE, _LENGTH_EXTRA = _ranges(3, [max(0, code // 4 - 1) for code in range(28)])
_DISTANCE_BASE, _DISTANCE_EXTRA = _ranges(1, [max(0, code // 2 - 1) for code in range(_DISTANCES)])
_CODE_OF_LENGTH = np.searchsorted(_LENGTH_BASE, np.arange(_ROW_BYTES * _MOST_ROWS + 1), side="right") - 1
_CODE_OF_DISTANCE = (
    np.searchsorted(_DISTANCE_BASE, np.arange(_ROW_BYTES * _FARTHEST_ROW + 1), side="right").astype(np.uint8) - 1
)


class LiteralCode(NamedTuple):
    """The best code for the bytes of a plane. lengths: bits of each symbol, (286,). bits: of all its bytes in it."""

    lengths: I64
    bits: int


def literal_code(data: U8) -> LiteralCode:
    """What `literal_block` needs to know of `data`."""
    counts = _literal_counts(data)
    lengths = code_lengths(counts, LONGEST_CODE)
    return LiteralCode(lengths, int((counts * lengths).sum()))


def literal_block(data: U8, code: LiteralCode) -> bytes:
    """One block, not the last, without repetitions; an empty one follows, so that it ends at a byte."""
    out = _room(code.bits)
    at = _put_header(code.lengths, code_lengths(np.array([1, 1]), LONGEST_CODE), out)
    return _ended(out, _put_literals(data, code_table(code.lengths), out, at))


def row_block(rows: U32) -> bytes:
    """As `literal_block`, but rows repeat earlier ones, or all of them but their lowest byte does."""
    tokens = np.empty(_ROW_BYTES * rows.size, np.uint32)
    literals, distances = np.zeros(_LITERALS, np.int64), np.zeros(_DISTANCES, np.int64)
    count = _find_rows(rows, tokens, literals, distances)
    literals[_END] = 1
    distances[:2] = np.maximum(distances[:2], 1)  # decoders want a code that is complete
    literal_lengths, distance_lengths = code_lengths(literals, LONGEST_CODE), code_lengths(distances, LONGEST_CODE)
    out = _room(_MOST_ROW_BITS * rows.size)
    at = _put_header(literal_lengths, distance_lengths, out)
    return _ended(out, _put_tokens(tokens[:count], code_table(literal_lengths), code_table(distance_lengths), out, at))


def _room(bits: int) -> U32:
    return np.zeros((_MOST_HEADER_BITS + LONGEST_CODE + bits >> 5) + _WORDS_TO_SPARE, np.uint32)


def _ended(out: U32, at: int) -> bytes:
    return out.view(np.uint8)[: at + 3 + 7 >> 3].tobytes() + _EMPTY_STORED_BLOCK


@kernel
def _literal_counts(data: U8) -> I64:
    """How often each byte occurs, and once the end of the block."""
    quarters = np.zeros((4, _LITERALS), np.int32)  # neighbours are often the same, and would wait for each other
    for i in range(0, data.shape[0] - 3, 4):
        for lane in range(4):
            quarters[lane, data[i + lane]] += 1
    for i in range(data.shape[0] & -4, data.shape[0]):
        quarters[0, data[i]] += 1
    counts = np.zeros(_LITERALS, np.int64)
    for lane in range(4):
        counts += quarters[lane]
    counts[_END] = 1
    return counts


# Unsigned indices below: for signed ones each access also asks whether they count from the end.


@kernel
def _find_rows(rows: U32, tokens: U32, literals: I64, distances: I64) -> int:
    """Tokens, of which the number is returned: a byte, or length << 16 | distance. How often each code is wanted."""
    last = np.full(1 << _HASH_BITS, -_FARTHEST_ROW - 1, np.int32)
    last_but_low = last.copy()
    row, count, rows_in_all = 0, np.uint64(0), rows.shape[0]
    while row < rows_in_all:
        value = rows[np.uint64(row)]
        whole, high = _hash(value), _hash(value >> np.uint32(8))
        same, alike = int(last[whole]), int(last_but_low[high])
        last[whole], last_but_low[high] = row, row
        if row - same <= _FARTHEST_ROW and rows[np.uint64(same)] == value:
            run = 1
            most = min(_MOST_ROWS, rows_in_all - row)
            while run < most and rows[np.uint64(same + run)] == rows[np.uint64(row + run)]:
                run += 1
            length, distance = _ROW_BYTES * run, _ROW_BYTES * (row - same)
            row += run
        else:
            literals[value & np.uint32(255)] += 1
            tokens[count] = value & np.uint32(255)
            count += np.uint64(1)
            if row - alike <= _FARTHEST_ROW and rows[np.uint64(alike)] >> np.uint32(8) == value >> np.uint32(8):
                length, distance = _ROW_BYTES - 1, _ROW_BYTES * (row - alike)
            else:
                length, distance = 0, 0
                for byte in range(1, _ROW_BYTES):
                    token = (value >> np.uint32(8 * byte)) & np.uint32(255)
                    literals[token] += 1
                    tokens[count] = token
                    count += np.uint64(1)
            row += 1
        if length:
            literals[np.uint64(_END + 1 + _CODE_OF_LENGTH[np.uint64(length)])] += 1
            distances[np.uint64(_CODE_OF_DISTANCE[np.uint64(distance)])] += 1
            tokens[count] = length << 16 | distance
            count += np.uint64(1)
    return int(count)


@kernel
def _hash(value: np.uint32) -> np.uint64:
    return np.uint64(np.uint32(value * _HASH_FACTOR) >> np.uint32(32 - _HASH_BITS))


@kernel
def _put(out: U32, at: int, value: int, bits: int) -> int:
    """Write up to 32 bits at bit `at` of what is zero there; returns where they end."""
    wide = np.uint64(value) << np.uint64(at & 31)
    out[at >> 5] |= np.uint32(wide & np.uint64(0xFFFFFFFF))
    out[(at >> 5) + 1] |= np.uint32(wide >> np.uint64(32))
    return at + bits


@kernel
def _put_header(literals: I64, distances: I64, out: U32) -> int:
    """The begin of a block with codes of these lengths, themselves in a code of theirs."""
    lengths = np.concatenate((literals, distances))
    code = code_lengths(np.bincount(lengths, minlength=_LENGTH_CODES), _LONGEST_LENGTH_CODE)
    table = code_table(code)
    at = _put(out, 0, _DYNAMIC, 3)
    at = _put(out, at, literals.shape[0] - 257, 5)
    at = _put(out, at, distances.shape[0] - 1, 5)
    at = _put(out, at, _LENGTH_CODES - 4, 4)
    for i in range(_LENGTH_CODES):
        at = _put(out, at, code[_LENGTH_CODE_ORDER[i]], 3)
    for i in range(lengths.shape[0]):
        entry = int(table[lengths[i]])
        at = _put(out, at, entry >> 8, entry & 255)
    return at


@kernel
def _put_literals(data: U8, table: U64, out: U32, at: int) -> int:
    """Bytes and the end of the block, from bit `at` on; returns where it ends."""
    word, filled = at >> 5, np.uint64(at & 31)
    bits = np.uint64(out[word])
    for i in range(0, data.shape[0] & -2, 2):
        first, second = table[data[i]], table[data[i + 1]]
        bits |= (first >> np.uint64(8)) << filled
        filled += first & np.uint64(255)
        bits |= (second >> np.uint64(8)) << filled
        filled += second & np.uint64(255)
        out[word] = np.uint32(bits & np.uint64(0xFFFFFFFF))
        full = filled & np.uint64(32)  # without a branch, which would be foreseen wrongly half of the time
        bits >>= full
        filled -= full
        word += int(full >> np.uint64(5))
    out[word] = np.uint32(bits & np.uint64(0xFFFFFFFF))
    at = 32 * word + int(filled)
    if data.shape[0] & 1:
        last = int(table[data[-1]])
        at = _put(out, at, last >> 8, last & 255)
    return _put(out, at, int(table[_END]) >> 8, int(table[_END]) & 255)


@kernel
def _put_tokens(tokens: U32, table: U64, distance_table: U64, out: U32, at: int) -> int:
    """As `_put_literals`, of the tokens that `_find_rows` makes."""
    word, filled, low = np.uint64(at >> 5), np.uint64(at & 31), np.uint64(255)
    bits = np.uint64(out[word])
    for i in range(np.uint64(tokens.shape[0])):
        length, rest = np.uint64(tokens[i] >> np.uint32(16)), np.uint64(tokens[i] & np.uint32(0xFFFF))
        if length:
            code = np.uint64(_CODE_OF_LENGTH[length])
            entry, extra = table[np.uint64(_END + 1) + code], length - np.uint64(_LENGTH_BASE[code])
            bits |= (entry >> np.uint64(8) | extra << (entry & low)) << filled
            filled += (entry & low) + np.uint64(_LENGTH_EXTRA[code])
            out[word] = np.uint32(bits & np.uint64(0xFFFFFFFF))
            full = filled & np.uint64(32)
            bits >>= full
            filled -= full
            word += full >> np.uint64(5)
            code = np.uint64(_CODE_OF_DISTANCE[rest])
            entry, extra = distance_table[code], rest - np.uint64(_DISTANCE_BASE[code])
            bits |= (entry >> np.uint64(8) | extra << (entry & low)) << filled
            filled += (entry & low) + np.uint64(_DISTANCE_EXTRA[code])
        else:
            entry = table[rest]
            bits |= (entry >> np.uint64(8)) << filled
            filled += entry & low
        out[word] = np.uint32(bits & np.uint64(0xFFFFFFFF))
        full = filled & np.uint64(32)
        bits >>= full
        filled -= full
        word += full >> np.uint64(5)
    out[word] = np.uint32(bits & np.uint64(0xFFFFFFFF))
    return _put(out, 32 * int(word) + int(filled), int(table[_END]) >> 8, int(table[_END]) & 255)
