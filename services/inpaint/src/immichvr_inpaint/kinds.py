"""The kinds of jobs that are done here, as the catalogue names them, and what one keeps that others look for."""

RECONSTRUCT = "reconstruct"
POINTS = "points"
DATASET = "dataset"
INPAINT = "inpaint"
SENT = "sent.json"
"""The part of a job that says what is being done elsewhere, and paid for."""
