"""Splats drawn here for clients that draw them slowly: poses in, pictures out."""
