"""What clients send is checked before anything is made of it, whatever it is."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from immichvr_ai.live.messages import LARGEST_MESSAGE, Ack, BadMessage, error
from immichvr_ai.live.protocol import Capture, Frame, Hello, parse, ready, result

HELLO = {"type": "hello", "version": 1, "model": "heuristic", "output": "gaussians", "format": "spark16"}
FRAME = {"type": "frame", "seq": 7, "t": 12.5, "jpeg": b"\xff\xd8"}


def packed(**fields: object) -> bytes:
    return msgpack.packb(fields)


def test_each_message_is_read_with_its_defaults() -> None:
    hello = parse(packed(**HELLO))
    assert isinstance(hello, Hello)
    assert (hello.max_gaussians, hello.sh_degree, hello.credit) == (21_000, 0, 1)
    assert parse(packed(**FRAME)) == Frame(type="frame", seq=7, t=12.5, jpeg=b"\xff\xd8")
    assert isinstance(parse(packed(**{**FRAME, "type": "capture"})), Capture)
    assert parse(packed(type="ack", seq=3, later_versions="say more")) == Ack(type="ack", seq=3)
    # What JavaScript calls a number may be whole.
    assert parse(packed(**{**FRAME, "t": 12, "fov": 60})).t == 12


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"version": 2}, "unsupported_version"),
        ({"version": "1"}, "unsupported_version"),
        ({"output": "video"}, "invalid_message"),
        ({"format": "ply"}, "invalid_message"),
        ({"model": "../../etc"}, "invalid_message"),
        ({"max_gaussians": 10**9}, "invalid_message"),
        ({"max_gaussians": "many"}, "invalid_message"),
        ({"process_res": 0}, "invalid_message"),
        ({"sh_degree": 1}, "invalid_message"),
        ({"opacity_threshold": float("nan")}, "invalid_message"),
        ({"credit": 100}, "invalid_message"),
        ({"type": "goodbye"}, "invalid_message"),
        ({"type": ["hello"]}, "invalid_message"),
    ],
)
def test_a_wrong_hello_is_told_what_is_wrong(wrong: dict[str, object], code: str) -> None:
    with pytest.raises(BadMessage) as caught:
        parse(packed(**{**HELLO, **wrong}))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "wrong", [{"jpeg": "text"}, {"jpeg": b""}, {"t": float("inf")}, {"fov": 0.0}, {"fov": 179.0}, {"output": "all"}]
)
def test_a_wrong_frame_is_told_with_its_number(wrong: dict[str, object]) -> None:
    with pytest.raises(BadMessage) as caught:
        parse(packed(**{**FRAME, **wrong}))
    assert (caught.value.code, caught.value.seq) == ("invalid_message", 7)


@pytest.mark.parametrize("seq", [-1, 2**60, "7", 7.5, None, True])
def test_a_number_that_is_none_is_not_given_back(seq: object) -> None:
    with pytest.raises(BadMessage) as caught:
        parse(packed(**{**FRAME, "seq": seq}))
    assert caught.value.seq is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x81",
        b"[" * 5000,
        b"\x91" * 100_000,
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        msgpack.packb([1, 2]),
        msgpack.packb({1: 2}),
        msgpack.packb({str(n): n for n in range(200)}),
        msgpack.packb({"type": "x" * 10_000}),
        msgpack.packb({"type": msgpack.ExtType(5, b"x")}),
        bytes(LARGEST_MESSAGE + 1),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(BadMessage):
        parse(data)


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_parse_or_be_refused(data: bytes) -> None:
    try:
        parse(data)
    except BadMessage as refused:
        assert refused.code


def test_answers_hold_the_fields_of_the_table() -> None:
    assert msgpack.unpackb(ready("heuristic", "Apache-2.0", "gaussians", "spark16")) == {
        "type": "ready",
        "version": 1,
        "model": "heuristic",
        "licence": "Apache-2.0",
        "output": "gaussians",
        "format": "spark16",
    }
    frame = Frame(**FRAME)
    timings = {"decode": 0.001, "infer": 0.02, "pack": 0.003}
    assert msgpack.unpackb(result("gaussians", frame, 2, "spark16", b"12", timings, 4, {"fov": 60.0})) == {
        "type": "gaussians", "seq": 7, "t": 12.5, "n": 2, "format": "spark16", "data": b"12", "timings": timings,
        "dropped": 4, "fov": 60.0,
    }  # fmt: skip
    assert msgpack.unpackb(error("invalid_image", "no picture", 7)) == {
        "type": "error",
        "code": "invalid_image",
        "message": "no picture",
        "seq": 7,
    }
    assert "seq" not in msgpack.unpackb(error("x", "y"))
