"""Who is asking: signing in, sessions, who is present, and from where requests may come."""
