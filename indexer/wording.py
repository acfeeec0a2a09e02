"""Numbers as people read them, and labels as all spellings of them are stored."""

import unicodedata


def count_noun(number: int, noun: str, many: str = "") -> str:
    """'1 photo', '2,000 photos'; `many` is the noun's plural where it is not made by an s."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def normalise_label(label: str) -> str:
    """The label in the one Unicode spelling (NFC) in which labels are stored and compared.

    macOS decomposes the letters of names (NFD), and so does what is copied from there; other systems do not.
    """
    return unicodedata.normalize("NFC", label)
