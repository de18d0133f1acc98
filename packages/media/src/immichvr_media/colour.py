"""From the pixel modes and colour profiles found in files to 8-bit sRGB."""

import io

import numpy as np
from PIL import Image, ImageCms

from immichvr_media.errors import UnsupportedImage

_WHITE_IS_ZERO = 0
_PHOTOMETRIC_TAG = 262
_PROFILE_SPACE = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK", "LAB": "Lab "}
_ALPHA_CARRIERS = {"LA": "L", "RGBA": "RGB"}


def normalise_mode(image: Image.Image) -> Image.Image:
    """The picture in one of L, LA, RGB, RGBA, CMYK or LAB, 8 bits each, its profile not yet applied.

    Raises UnsupportedImage for 32-bit integer and floating-point samples: nothing says which value is white.
    """
    if image.mode in ("I", "F"):
        raise UnsupportedImage(
            f"{'floating-point' if image.mode == 'F' else '32-bit integer'} samples have no agreed white; "
            "8 or 16 bits per sample are decoded"
        )
    if image.mode.startswith("I;16"):
        return _from_16_bit_grey(image)
    if image.mode in ("P", "PA", "L", "RGB", "1") and image.has_transparency_data:
        return image.convert("RGBA")
    target = {"1": "L", "P": "RGB", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB"}.get(image.mode)
    return image if target is None else image.convert(target)


def to_srgb(image: Image.Image, icc: bytes | None, notes: list[str]) -> Image.Image:
    """A picture from `normalise_mode` as sRGB; transparent parts become white.

    A profile that is broken or belongs to another colour space is left out and noted.
    """
    alpha = None
    if image.mode in _ALPHA_CARRIERS:
        alpha = image.getchannel("A")
        image = image.convert(_ALPHA_CARRIERS[image.mode])
    rgb = _apply_profile(image, icc, notes) if icc or image.mode == "LAB" else None
    if rgb is None:
        rgb = image.convert("RGB")
    if alpha is not None:
        rgb = Image.composite(rgb, Image.new("RGB", rgb.size, "white"), alpha)
    return rgb


def _apply_profile(image: Image.Image, icc: bytes | None, notes: list[str]) -> Image.Image | None:
    try:
        if icc:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        else:
            profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        space = profile.profile.xcolor_space
        if space != _PROFILE_SPACE[image.mode]:
            notes.append(f"colour profile left out: it is for {space.strip()}, the picture is {image.mode}")
            return None
        transform = ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            image.mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if image.mode == "RGB" and _changes_nothing(transform):
            return None
        return ImageCms.applyTransform(image, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        notes.append(f"colour profile left out: {error}")
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform from RGB moves no colour of a coarse grid by more than one level."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(27, 27, 3)
    moved = ImageCms.applyTransform(Image.fromarray(grid), transform)
    if moved is None:
        return False
    return bool(np.abs(np.asarray(moved, dtype=np.int16) - grid).max() <= 1)


def _from_16_bit_grey(image: Image.Image) -> Image.Image:
    samples = np.asarray(image, dtype=np.uint16)
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC_TAG) == _WHITE_IS_ZERO:
        samples = np.invert(samples)
    return Image.fromarray((samples >> 8).astype(np.uint8))
