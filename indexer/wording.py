"""Numbers as people read them, and how labels and moments without a zone are stored."""

import unicodedata
from datetime import datetime, timedelta

_EPOCH = datetime(1970, 1, 1)


def count_noun(number: int, noun: str, many: str = "") -> str:
    """'1 photo', '2,000 photos'; `many` is the noun's plural where it is not made by an s."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def normalise_label(label: str) -> str:
    """The label in the one Unicode spelling (NFC) in which labels are stored and compared.

    macOS decomposes the letters of names (NFD), and so does what is copied from there; other systems do not.
    """
    return unicodedata.normalize("NFC", label)


def convert_to_microseconds(moment: datetime) -> int:
    """Microseconds from 1970 to a moment without a zone, as if its clock showed UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def convert_to_moment(microseconds: int) -> datetime:
    """The moment without a zone so many microseconds after 1970, within the range of datetime."""
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return datetime.min if microseconds < 0 else datetime.max


def convert_file_time(nanoseconds: int) -> int:
    """Microseconds since 1970 by this computer's clock, as `convert_to_microseconds` has them, of a file's time."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    try:
        return convert_to_microseconds(datetime.fromtimestamp(seconds)) + rest // 1000
    except (ValueError, OverflowError, OSError):  # what systems say of years they do not know
        return nanoseconds // 1000


def format_offset(minutes: int) -> str:
    """'+05:30' of the minutes by which a clock is ahead of UTC."""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
