"""For tests of whoever makes depth of videos: scenes and frames whose depth is known, clips, weights and networks that
need no download.
"""
