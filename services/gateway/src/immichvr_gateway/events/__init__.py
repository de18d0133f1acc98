"""Telling people over their sockets of what they may see."""
