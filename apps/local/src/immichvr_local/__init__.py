"""The immichvr command: the whole system on one machine, the demo, and tools."""
