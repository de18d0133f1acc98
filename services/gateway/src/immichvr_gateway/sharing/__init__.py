"""Links that people share in Immich, as addresses of the gateway: `/share/{link}/`, a world that only shows."""
