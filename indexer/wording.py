"""Numbers as people read them."""


def count_noun(number: int, noun: str, many: str = "") -> str:
    """'1 photo', '2,000 photos'; `many` is the noun's plural where it is not made by an s."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"
