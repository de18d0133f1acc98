"""Measurements: scenes with true depth, a splat rasterizer, and benches against peers and limits."""
