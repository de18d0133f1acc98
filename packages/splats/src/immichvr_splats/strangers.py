"""Files that are given as splats and are something else: what they are, and what can be done."""

_PICTURE = "a picture, not a splat; a splat of a photo is made by `immichvr splat`"
_POINTS = "a point cloud, not Gaussians; a splat of it is what a trainer for Gaussian splatting makes"
_ARCHIVE = "an archive; unpack it and give the splat file in it"
_BEGINNINGS = (
    (0, b"\xff\xd8\xff", f"JPEG, {_PICTURE}"),
    (0, b"\x89PNG\r\n", f"PNG, {_PICTURE}"),
    (8, b"WEBP", f"WebP, {_PICTURE}"),
    (4, b"ftyp", f"HEIC, AVIF or MP4, {_PICTURE}"),
    (0, b"II*\0", f"TIFF or a raw photo, {_PICTURE}"),
    (0, b"MM\0*", f"TIFF or a raw photo, {_PICTURE}"),
    (0, b"LASF", f"LAS or LAZ, {_POINTS}"),
    (0, b"ASTM-E57", f"E57, {_POINTS}"),
    (0, b"# .PCD", f"PCD, {_POINTS}"),
    (0, b"RAD0", "RAD, which Spark makes for itself alone; convert the file that it was made from"),
    (0, b"7z\xbc\xaf\x27\x1c", f"7z, {_ARCHIVE}"),
    (0, b"Rar!", f"RAR, {_ARCHIVE}"),
    (257, b"ustar", f"tar, {_ARCHIVE}"),
    (0, b"\xfd7zXZ\0", f"xz, {_ARCHIVE}"),
    (0, b"\x28\xb5\x2f\xfd", f"zstd, {_ARCHIVE}"),
    (0, b"BZh91AY&SY", f"bzip2, {_ARCHIVE}"),
    (0, b"\x93NUMPY", "an array of NumPy, not a splat; write it as PLY by the program that it is of"),
    (0, b"version https://git-lfs", "a pointer of Git LFS instead of the file itself; fetch that with `git lfs pull`"),
    (0, b"<", "a web page or XML, as a download that failed leaves it; fetch the file again"),
    (0, b"{", "JSON: of glTF only the binary form, .glb, is read, of SOG the folder or the zip with its pictures"),
)
HEAD_BYTES = 512
"""How much of a file tells."""

_SURE_BYTES = 4
_JPEG = b"\xff\xd8\xff"
_AFTER_JPEG = frozenset({0xDB, *range(0xE0, 0xF0), 0xFE})
_TEXT = frozenset({9, 10, 13, *range(32, 127)})
_TEXT_BYTES = range(16, 64)


def what_it_is(head: bytes, surely: bool = False) -> str | None:
    """What a file is by its first HEAD_BYTES, in words; None where nothing tells.

    surely: only by more than numbers could begin with by chance.
    """
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return next(
        (
            words
            for at, magic, words in _BEGINNINGS
            if (head.startswith(magic, at) or (not at and begin.startswith(magic)))
            and (not surely or _is_sure(begin, magic))
        ),
        None,
    )


def _is_sure(begin: bytes, magic: bytes) -> bool:
    if len(magic) >= _SURE_BYTES:
        return True
    if magic == _JPEG:
        return not _AFTER_JPEG.isdisjoint(begin[len(_JPEG) : len(_JPEG) + 1])
    some = begin[: _TEXT_BYTES.stop]
    return len(some) >= _TEXT_BYTES.start and _TEXT.issuperset(some)
