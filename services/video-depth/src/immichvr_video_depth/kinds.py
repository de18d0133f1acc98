"""The kinds of jobs that are done here, as the catalogue names them."""

VIDEO_DEPTH = "video-depth"
STEREO = "stereo"
MOTION = "motion"
