"""Bounds on what a folder may cost."""

from dataclasses import dataclass, field

from immichvr_media import DecodeLimits


@dataclass(frozen=True)
class FolderLimits:
    """Limits of a FolderLibrary.

    max_photos: photos and videos; files beyond are left out, and `check` says so; max_depth: of nested directories.
    rescan_s: whoever asks has the directory walked again at most this often, and less often where walking takes long.
    settle_s: a file that appears or changes is taken in when it has been left alone for so long.
    look_s: the folder is looked at so often while somebody waits for changes, also where the system tells of none.
    untold_s: so often where the system never tells of any, as for network drives.
    patience_s: how long a page waits for the dates of photos seen for the first time; those not read by then
    are sorted by their modification time.
    threads: that decode thumbnails and previews, each holding at most one photo's pixels.
    decode: of one photo. max_video_bytes: of one video that is worked on.
    """

    max_photos: int = 200_000
    max_depth: int = 32
    rescan_s: float = 1.0
    settle_s: float = 2.0
    look_s: float = 30.0
    untold_s: float = 5.0
    patience_s: float = 2.0
    threads: int = 2
    decode: DecodeLimits = field(default_factory=DecodeLimits)
    max_video_bytes: int = 4_000_000_000
