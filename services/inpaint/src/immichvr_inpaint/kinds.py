"""The kinds of jobs that are done here, as the catalogue names them."""

RECONSTRUCT = "reconstruct"
POINTS = "points"
DATASET = "dataset"
INPAINT = "inpaint"
