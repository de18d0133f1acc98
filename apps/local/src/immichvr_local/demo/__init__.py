"""`immichvr demo`: the stack over a folder of photos, with a splat asked for of each."""
