"""What was made: the index of it, its record in KV, and whether a result is there."""
