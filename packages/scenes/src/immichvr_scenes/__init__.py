"""Places made of many pictures of them: frames, cameras, points, training, completion."""

from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.errors import SceneError
from immichvr_scenes.pictures import Picture

__all__ = ["Camera", "Picture", "SceneError", "View"]
