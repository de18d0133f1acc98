"""When a photo was taken, out of the ways in which cameras, phones and editors write dates.

Sources: EXIF 2.32 (DateTimeOriginal, SubSecTimeOriginal, OffsetTimeOriginal and the same of digitized and of the
file), XMP part 2 (exif, xmp and photoshop namespaces; ISO 8601).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone

from PIL import ExifTags

_DATE = re.compile(
    r"(\d{4})[:\-/. ](\d{1,2})[:\-/. ](\d{1,2})"
    r"(?:(?:\s+|\s*[Tt]\s*|[:_-])(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9})\d*)?)?\s*([AaPp][Mm](?![a-z]))?)?"
    r"\s*(Z|z|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?(?::?\d{2})?|UTC|GMT)?(?:\s+\(?[A-Z]{3,5}\)?)?"
)
_SHORT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[Tt ]?(\d{2})(\d{2})(\d{2})?)?(?!\d)")  # ISO 8601's basic form
_PARTED_TIME = re.compile(r"(\D\d{1,2})([.\-])(\d{2})\2(\d{2})(?=\D|$)")
_ZONE = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?\d{2})?")
_LONGEST_OFFSET = timedelta(hours=15)
_LONGEST_TEXT = 64


def parsed_date(value: object, offset: object = None, fraction: object = None) -> datetime | None:
    """The date that a property tells; aware where it, or `offset` beside it, names a zone, else naive.

    fraction: digits of a second that stand beside it. None where the value is no date.
    """
    text = _text(value)
    match = _DATE.fullmatch(text) or _DATE.fullmatch(_usual(text))
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    half = (match[8] or "").lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    extra = timedelta()
    if hour == 24:
        # ISO 8601 ends a day with 24:00; beyond it stand cameras that count hours from 1 to 24, midnight being 24.
        hour, extra = 0, timedelta(days=0 if minute or second else 1)
    if second == 60:
        second, extra = 59, extra + timedelta(seconds=1)
    digits = match[7] or "".join(letter for letter in _text(fraction) if letter.isdigit())
    try:
        local = datetime(year, month, day, hour, minute, second, int(f"{digits:0<6}"[:6])) + extra
        zone = parsed_zone(match[9]) or parsed_zone(offset)
        if zone is None:
            return local
        taken = local.replace(tzinfo=zone)
        taken.astimezone(UTC)  # a moment that UTC cannot express is no moment to sort by
    except (ValueError, OverflowError):  # a date such as 0000:00:00
        return None
    return taken


def parsed_zone(value: object) -> timezone | None:
    """The zone that `+05:30`, `+0530`, `+05`, `+5:30` or `Z` name; None for anything else."""
    text = _text(value)
    if text.upper() in ("Z", "UTC", "GMT"):
        return UTC
    match = _ZONE.fullmatch(text)
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    if offset > _LONGEST_OFFSET or int(match[3] or 0) > 59:
        return None
    return timezone(offset if match[1] == "+" else -offset)


def exif_dates(main: Mapping[int, object], directory: Mapping[int, object]) -> Iterator[datetime | None]:
    """When the photo was taken, when it was digitized and when the file was written, as far as EXIF tells.

    Each is read when it is asked for: most photos tell the first.
    """
    tags = ExifTags.Base
    yield parsed_date(
        directory.get(tags.DateTimeOriginal),
        directory.get(tags.OffsetTimeOriginal) or directory.get(tags.OffsetTime),
        directory.get(tags.SubsecTimeOriginal),
    )
    yield parsed_date(
        directory.get(tags.DateTimeDigitized),
        directory.get(tags.OffsetTimeDigitized) or directory.get(tags.OffsetTime),
        directory.get(tags.SubsecTimeDigitized),
    )
    yield parsed_date(
        main.get(tags.DateTime) or directory.get(tags.DateTime),
        directory.get(tags.OffsetTime),
        directory.get(tags.SubsecTime),
    )


def _usual(text: str) -> str:
    """`20140402T125632` and `2014-04-02 12-56-32` with the marks that dates usually have."""
    short = _SHORT.match(text)
    if short is not None:
        year, month, day, hour, minute, second = short.groups()
        time = f"T{hour}:{minute}:{second or '00'}" if hour else ""
        return f"{year}-{month}-{day}{time}{text[short.end() :]}"
    return text[:10] + _PARTED_TIME.sub(r"\1:\3:\4", text[10:], count=1)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value[:_LONGEST_TEXT].partition("\0")[0].strip() if isinstance(value, str) else ""
