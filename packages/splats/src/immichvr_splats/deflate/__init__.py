"""Deflate blocks (RFC 1951) for planes of which more is known than that they are bytes; see README.md."""

from immichvr_splats.deflate.blocks import LiteralCode, literal_block, literal_code, row_block

__all__ = ["LiteralCode", "literal_block", "literal_code", "row_block"]
