"""Capabilities in processes of their own: pools of children, what these are told and tell, and how they die.

Imports nothing: a child needs but the half of it, and starts the faster.
"""
