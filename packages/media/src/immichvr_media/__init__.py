"""Decodes photos, reads their focal length and the depth they carry."""
