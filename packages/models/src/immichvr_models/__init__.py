"""The model registry: what exists, where it comes from, its licence, and verified downloads."""
