"""What is kept of a Gaussian that is projected: a row of WIDTH float32, as in a structure, since a tile needs all."""

X, Y, DEPTH, OPACITY = 0, 1, 2, 3
"""Pixels, metres along the axis, 0…1. An opacity of 0: not to be seen."""

XX, XY, YY = 4, 5, 6
"""Of dx and dy pixels beside the middle, opacity is times exp(-(XX dx² + XY dx dy + YY dy²))."""

REACH_X, REACH_Y = 7, 8
"""Pixels to each side where alpha falls below 1/255."""

RED, GREEN, BLUE = 9, 10, 11

DISTANCE = 12
"""Metres from the eye, in whose order spots cover each other: by depth, which of two neighbours covers the other would
change as the camera turns. The viewer sorts so, too."""

WIDTH = 13
