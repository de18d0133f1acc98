"""Clips for tests, here and elsewhere."""
