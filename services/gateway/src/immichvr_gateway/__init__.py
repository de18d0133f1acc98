"""The only public door: API, library, jobs, assets, events and the viewer."""
