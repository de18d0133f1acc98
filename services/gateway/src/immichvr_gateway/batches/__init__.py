"""Much made at once, when there is time for it: what of, what it takes, when it may go on, and how far it is."""
