"""The formats offered, and their options, are those that the converter's library writes."""

import numpy as np
import pytest
from immichvr_gateway.requests.conversion import FORMATS as OFFERED
from immichvr_splats import FORMATS, Camera, GaussianCloud, InvalidCloudError, to_bytes

ONE = GaussianCloud(
    means=np.ones((1, 3), np.float32),
    log_scales=np.zeros((1, 3), np.float32),
    quaternions=np.eye(1, 4, dtype=np.float32),
    opacity_logits=np.zeros(1, np.float32),
    sh=np.zeros((1, 1, 3), np.float32),
    camera=Camera(1, 1, 0.5, 0.5, 1, 1),
)


def test_every_format_that_is_written_is_offered_with_its_options_and_no_other() -> None:
    written = {name: [option.name for option in row.options] for name, row in FORMATS.items() if row.writer}
    assert {name: list(options) for name, options in OFFERED.items()} == written


def test_a_writer_takes_every_value_of_its_options_and_no_other() -> None:
    for name, row in FORMATS.items():
        for option in row.options:
            for value in option.values:
                assert to_bytes(ONE, name, **{option.argument: value}), (name, option.name, value)
            with pytest.raises(InvalidCloudError):
                to_bytes(ONE, name, **{option.argument: "nothing like that"})


def test_what_is_written_where_nobody_chooses_is_the_default_that_is_told() -> None:
    for name, row in FORMATS.items():
        for option in row.options:
            if option.default is not None:
                assert to_bytes(ONE, name) == to_bytes(ONE, name, **{option.argument: option.default}), option.name
