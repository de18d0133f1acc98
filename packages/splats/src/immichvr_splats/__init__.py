"""Gaussian clouds in memory and the file formats that hold them."""
