"""What is made by itself: a person's rules, what Immich tells of their photos, and what is left there of it.

`rules` says what becomes work and why, from facts alone; `setup` makes and removes what lies in Immich; `intake` takes
its webhooks; `reconciling` finds what they missed; `making` asks for jobs; `pointing` leaves pointers and takes them
away again.
"""
