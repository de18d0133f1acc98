"""What stands in the keys of assets can be read out of them again."""

from __future__ import annotations

import pytest
from immichvr_catalog.scene_keys import before_completion, completed_key, completed_method, is_completed
from immichvr_catalog.video_keys import USUAL_CODEC, codec_key, is_part, is_usual, part_key, whole_key


def test_what_was_completed_and_how_is_read_out_of_the_key() -> None:
    once = completed_key("gaussians", "lama")
    twice = completed_key(once, "sdxl")
    assert [is_completed(key) for key in ("gaussians", once, twice)] == [False, True, True]
    assert [before_completion(key) for key in ("gaussians", once, twice)] == ["gaussians"] * 3
    assert [completed_method(key) for key in ("gaussians", once, twice)] == ["", "lama", "sdxl"]


@pytest.mark.parametrize("codec", [USUAL_CODEC, "av1", "h264"])
@pytest.mark.parametrize("part", [None, (0.0, None), (1.5, 61.25)], ids=str)
def test_what_made_it_is_read_out_of_the_key_of_any_part_in_any_codec(
    codec: str, part: tuple[float, float | None] | None
) -> None:
    key = codec_key("vda-small", codec)
    key = key if part is None else part_key(key, *part)
    assert whole_key(key) == "vda-small"
    assert is_part(key) == (part is not None)
    assert is_usual(key) == (part is None and codec == USUAL_CODEC)
