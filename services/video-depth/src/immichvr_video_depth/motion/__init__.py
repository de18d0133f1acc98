"""A short loop of the camera around one photo."""
