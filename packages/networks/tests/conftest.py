"""What the tests of networks are made of."""

import pytest

pytest.register_assert_rewrite("immichvr_inference.testing.conformance")
