"""The whole system on this machine: real servers and services as supervised processes."""
