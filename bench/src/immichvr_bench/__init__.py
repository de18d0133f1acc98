"""Measurements: scenes with true depth, and benches against peers and limits."""
