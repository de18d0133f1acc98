"""SPZ files of pieces are inflated by two threads, to the same clouds and with the same refusals as by one."""

import base64
import gzip
from dataclasses import replace

import numpy as np
import pytest
from immichvr_splats import MalformedFileError, Marks, numerics, read, to_bytes
from immichvr_splats.formats.spz import planes, streams
from immichvr_splats.testing.spz_files import georeference
from numba.core.registry import CPUDispatcher


@pytest.fixture
def halves(monkeypatch):
    """Files of any size are inflated by two threads; what came of it."""
    made = []
    real = streams._inflated_halves
    monkeypatch.setattr(streams, "_WORTH_TWO_THREADS", 0)
    monkeypatch.setattr(streams, "workers", lambda: 2)
    monkeypatch.setattr(streams, "_inflated_halves", lambda *given: made.append(real(*given)) or made[-1])
    return made


@pytest.mark.parametrize("degree", [0, 3])
@pytest.mark.parametrize("version", [2, 3])
def test_two_threads_inflate_what_one_does(make_cloud, halves, monkeypatch, version, degree):
    data = to_bytes(make_cloud(70_000, degree=degree), "spz", version=version)
    by_two = read(data).cloud
    assert halves[-1] is not None
    monkeypatch.setattr(streams, "workers", lambda: 1)
    by_one = read(data).cloud
    for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh"):
        np.testing.assert_array_equal(getattr(by_two, name), getattr(by_one, name))


def test_nothing_is_compiled_anew_for_planes_that_two_threads_inflated(make_cloud, halves, monkeypatch):
    data = to_bytes(make_cloud(70_000, degree=3), "spz")
    monkeypatch.setattr(streams, "workers", lambda: 1)
    read(data)
    kernels = {k for module in (planes, numerics) for k in vars(module).values() if isinstance(k, CPUDispatcher)}
    compiled = [list(kernel.signatures) for kernel in kernels]
    monkeypatch.setattr(streams, "workers", lambda: 2)
    read(data)
    assert halves[-1] is not None
    assert [list(kernel.signatures) for kernel in kernels] == compiled


def test_two_threads_read_what_follows_the_gaussians(make_cloud, halves):
    marks = Marks(georeference=("SPZ_NIANTIC_georeference " + base64.b64encode(georeference()).decode(),))
    assert read(to_bytes(replace(make_cloud(9000), marks=marks), "spz")).cloud.marks == marks
    assert halves[-1] is not None


@pytest.mark.parametrize("place", [0.1, 0.4, 0.6, 0.9, 0.9999])
def test_damage_is_noticed_by_two_threads_as_by_one(make_cloud, halves, place):
    data = bytearray(to_bytes(make_cloud(9000), "spz"))
    data[int(place * len(data))] ^= 0x55
    with pytest.raises(MalformedFileError, match="gzip"):
        read(bytes(data))
    with pytest.raises(MalformedFileError):
        read(bytes(data[: int(place * len(data))]))


def test_a_stream_of_one_piece_is_inflated_by_one_thread(make_cloud, halves):
    data = to_bytes(make_cloud(9000), "spz")
    assert read(gzip.compress(gzip.decompress(data))).cloud.count == 9000
    assert halves == [None]


def test_the_end_of_a_piece_in_the_middle_of_another_misleads_nobody(make_cloud, halves, monkeypatch):
    data = to_bytes(make_cloud(9000), "spz")
    in_the_middle = bytes(data[len(data) // 2 + 100 :][:4])
    monkeypatch.setattr(streams, "_FIRST_PIECE_BYTES", len(data))
    monkeypatch.setattr(streams, "_PIECE_END", in_the_middle)
    assert read(data).cloud.count == 9000
    assert halves == [None]
