"""For tests, and for whoever writes an adapter."""
