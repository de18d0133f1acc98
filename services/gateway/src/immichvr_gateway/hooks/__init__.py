"""Outgoing webhooks: who wants to be told of what, at which address, and what was answered there."""
