"""Makes toys of photos and videos."""
