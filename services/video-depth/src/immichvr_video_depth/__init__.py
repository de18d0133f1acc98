"""Depth of videos over time, and what is watched of it."""
