"""Live splats: sessions, and the socket between a camera and the service that makes them."""
