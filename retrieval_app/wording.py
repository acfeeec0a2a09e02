"""Numbers as the window shows them: counts, durations, sizes, probabilities and error rates. All return text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.wording import count_noun, format_number, tr

if TYPE_CHECKING:
    from indexer.statistics.error_rates import ErrorRate

format_count = count_noun  # '1 photo', '1,200 photos': as the commands say it


def format_duration(seconds: float) -> str:
    """A duration in its one or two largest units, '8 s', '2 min' or '1 h 5 min'; never less than a second."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return tr("{minutes} min", minutes=minutes)
    return (
        tr("{minutes} h {minutes2} min", minutes=minutes // 60, minutes2=minutes % 60)
        if minutes % 60
        else f"{minutes // 60} h"
    )


def format_rate(per_second: float) -> str:
    """Items a second, '218/s', with one decimal below ten."""
    return f"{format_number(per_second, ',.0f')}/s" if per_second >= 10 else f"{format_number(per_second, '.1f')}/s"


def format_percent(fraction: float) -> str:
    """A fraction in percent with one decimal, '99.6 %'; only 1 itself gives '100 %'."""
    value = fraction * 100
    return "100 %" if fraction == 1 else f"{format_number(min(value, 99.9), '.1f')} %"


def format_rounded(number: float) -> str:
    """A number cut to its first two digits, '12,000' for 12,345, as a rate measured on samples has no more."""
    if number < 10:
        return format_number(number, ".0f")
    step = 10 ** (len(str(int(number))) - 2)
    return format_number(int(number) // step * step, ",")


def format_size(byte_count: int) -> str:
    """A size in decimal units, '340 KB', '12.5 MB' or '1.4 GB'."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if byte_count >= scale:
            return f"{format_number(byte_count / scale, ',.1f')} {unit}"
    return tr("{byte_count:,.0f} KB", byte_count=byte_count / 1e3)


def format_share(fraction: float) -> str:
    """A fraction in percent with two significant digits, '1.2 %' or '0.03 %'."""
    return f"{format_number(float(f'{fraction * 100:.2g}'), 'g')} %"


def format_frequency(fraction: float) -> str:
    """How often something happens: '1 time in 100' up to a tenth, above it '23 times in 100'."""
    if fraction <= 0:
        return tr("not once")
    if fraction <= 0.1:
        return tr("1 time in {fraction}", fraction=format_rounded(round(1 / fraction)))
    return tr("{fraction} times in 100", fraction=round(fraction * 100))


def format_interval(rate: ErrorRate) -> str:
    """The interval of a measured rate: '95 % interval 0.5 % to 2 %'."""
    return tr("95 % interval {low} to {high}", low=format_share(rate.low), high=format_share(rate.high))


def format_error_rate(rate: ErrorRate) -> str:
    """A measured rate with its interval: '1 time in 100 (95 % interval 0.5 % to 2 %)'."""
    return f"{format_frequency(rate.value)} ({format_interval(rate)})"
