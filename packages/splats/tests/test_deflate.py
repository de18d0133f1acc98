"""Deflate blocks of our own are read by zlib, and are smaller where they are meant to be."""

import zlib

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from immichvr_splats.deflate import literal_block, literal_code, row_block
from immichvr_splats.deflate.huffman import LONGEST_CODE, code_lengths
from isal import isal_zlib

_LAST_BLOCK = b"\3\0"


def inflated(block):
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    data = stream.decompress(block + _LAST_BLOCK)
    assert stream.eof
    return data


def literals(data):
    return literal_block(data, literal_code(data))


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(st.binary(min_size=1, max_size=5000))
def test_any_bytes_come_back(data):
    assert inflated(literals(np.frombuffer(data, np.uint8))) == data


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(st.lists(st.sampled_from([0, 1, 255, 256, 0x01020304, 0x01020305, 2**32 - 1]), min_size=1))
def test_any_rows_come_back(rows):
    rows = np.array(rows, np.uint32)
    assert inflated(row_block(rows)) == rows.tobytes()


@pytest.mark.parametrize("alike", [1, 63, 64, 65, 8191, 8192, 20_000])
def test_rows_come_back_however_far_their_like_is(alike):
    random = np.random.default_rng(0)
    rows = np.tile(random.integers(0, 2**32, alike, np.uint32), 3)
    rows[alike:] ^= random.integers(0, 2, 2 * alike, np.uint32)
    assert inflated(row_block(rows)) == rows.tobytes()


def test_counts_of_any_steepness_have_codes_that_deflate_allows():
    fibonacci = [1, 1]
    while len(fibonacci) < 40:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    lengths = code_lengths(np.array([*fibonacci, 0]), LONGEST_CODE)
    assert lengths.max() == LONGEST_CODE
    assert lengths[-1] == 0
    assert (2.0 ** -lengths[:-1]).sum() == 1


def test_independent_levels_take_less_room_than_with_a_quick_search_for_repetitions():
    levels = np.random.default_rng(0).normal(8, 0.7, 200_000).round().clip(0, 15).astype(np.uint8) * 16
    assert len(literals(levels)) < 0.9 * len(isal_zlib.compress(levels, 2))


def test_rows_that_repeat_take_less_room_than_with_a_quick_search_for_repetitions():
    random = np.random.default_rng(0)
    rows = random.integers(0, 2**32, 3000, np.uint32)[random.integers(0, 3000, 60_000)]
    assert len(row_block(rows)) < 0.9 * len(isal_zlib.compress(rows, 2))
