"""The formats offered are those that the converter makes."""

from immichvr_gateway.orders import FORMATS as OFFERED
from immichvr_splats import FORMATS


def test_every_format_that_is_written_is_offered_and_no_other() -> None:
    assert [key for key, row in FORMATS.items() if row.can_write] == OFFERED
