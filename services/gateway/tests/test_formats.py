"""The formats offered, and their options, are those that the converter makes."""

import numpy as np
import pytest
from immichvr_gateway.conversions import FORMATS as OFFERED
from immichvr_splats import FORMATS, Camera, GaussianCloud, InvalidCloudError, to_bytes

WRITER_NAMES = {"spz_version": "version", "ksplat_level": "level", "ply_layout": "layout", "glb_encoding": "encoding"}
ONE = GaussianCloud(
    means=np.ones((1, 3), np.float32),
    log_scales=np.zeros((1, 3), np.float32),
    quaternions=np.eye(1, 4, dtype=np.float32),
    opacity_logits=np.zeros(1, np.float32),
    sh=np.zeros((1, 1, 3), np.float32),
    camera=Camera(1, 1, 0.5, 0.5, 1, 1),
)


def test_every_format_that_is_written_is_offered_and_no_other() -> None:
    assert [key for key, row in FORMATS.items() if row.can_write] == list(OFFERED)


def test_every_option_of_a_format_is_offered_with_values_that_its_writer_takes() -> None:
    for key, options in OFFERED.items():
        assert {WRITER_NAMES.get(name, name) for name in options} == {*FORMATS[key].options, "sh_degree"}, key
        for name, values in options.items():
            for value in values:
                assert to_bytes(ONE, key, **{WRITER_NAMES.get(name, name): value}), (key, name, value)
            with pytest.raises(InvalidCloudError):
                to_bytes(ONE, key, **{WRITER_NAMES.get(name, name): "nothing like that"})
