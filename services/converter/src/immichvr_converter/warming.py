"""Compiling every kernel ahead of all conversions, as the image does: python -m immichvr_converter.warming."""

import immichvr_splats

if __name__ == "__main__":
    immichvr_splats.warm()
