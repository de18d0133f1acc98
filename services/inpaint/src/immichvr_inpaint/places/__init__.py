"""From photos and videos to the files of a scene, and from those to a completed one: as jobs and the command do it."""
