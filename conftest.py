"""Fixtures every test may use: real servers on free ports."""

pytest_plugins = ["immichvr_common.testing.fixtures"]
