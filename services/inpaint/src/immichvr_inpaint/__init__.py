"""Scenes from photos and videos, and what is missing in them filled."""
