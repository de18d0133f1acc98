"""What is kept in storage and what goes.

`decisions` says what goes and why, from a listing, manifests and what is under way; `collector` carries it out.
"""
