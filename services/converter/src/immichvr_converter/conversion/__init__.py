"""Converting splat files: no bus, no storage, no gRPC. Whoever only chooses needs no codec, and loads none."""
