"""Scenes as the API shows them."""
