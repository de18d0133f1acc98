"""How many workers there is work for, as KEDA asks it."""
