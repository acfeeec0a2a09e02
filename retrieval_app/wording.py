"""Numbers as the window says them: counts, durations, distances and rates, each with its meaning."""

from indexer.wording import count_noun

format_count = count_noun  # '1 photo', '1,200 photos': as the commands say it


def format_duration(seconds: float) -> str:
    """A time a person can feel: '8 s', '2 min', '1 h 5 min'."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def format_rate(per_second: float) -> str:
    """'218/s', or with a decimal where it is slow."""
    return f"{per_second:,.0f}/s" if per_second >= 10 else f"{per_second:.1f}/s"


def format_percent(fraction: float) -> str:
    """'99.6 %'; what is not all is never rounded up to all."""
    value = fraction * 100
    return "100 %" if fraction == 1 else f"{min(value, 99.9):.1f} %"


def format_confidence(probability: float) -> str:
    """'97 %'; never 0 % or 100 %, as no measurement says so."""
    return f"{min(99, max(1, round(probability * 100)))} %"


def format_rounded(number: float) -> str:
    """'12,000' for 12,345: two figures, as a rate that was measured on samples has no more."""
    if number < 10:
        return f"{number:.0f}"
    step = 10 ** (len(str(int(number))) - 2)
    return f"{int(number) // step * step:,}"


def format_size(number: int) -> str:
    """'340 KB', '12.5 MB', '1.4 GB'."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if number >= scale:
            return f"{number / scale:,.1f} {unit}"
    return f"{number / 1e3:,.0f} KB"


def format_share(fraction: float) -> str:
    """'1.2 %', '0.03 %': two figures."""
    return f"{float(f'{fraction * 100:.2g}'):g} %"


def format_frequency(fraction: float) -> str:
    """'1 time in 100'; of common things 'in 23 of 100'."""
    if fraction <= 0:
        return "not once"
    return (
        f"1 time in {format_rounded(round(1 / fraction))}"
        if fraction <= 0.1
        else f"{round(fraction * 100)} times in 100"
    )
