"""The doors: each route translates a request, calls, and translates the answer."""
