import pytest

from indexer.statistics.error_rates import ErrorRate
from retrieval_app.wording import format_count, format_duration, format_error_rate, format_percent, format_rate


@pytest.mark.parametrize(("number", "said"), [(0, "0 photos"), (1, "1 photo"), (1200, "1,200 photos")])
def test_counts(number: int, said: str) -> None:
    assert format_count(number, "photo") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (59.4, "59 s"), (60, "1 min"), (110, "2 min"), (3600, "1 h"), (3900, "1 h 5 min"), (3599, "1 h")],
)
def test_durations(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said


@pytest.mark.parametrize(("fraction", "said"), [(1.0, "100 %"), (0.99996, "99.9 %"), (0.996, "99.6 %"), (0, "0.0 %")])
def test_what_is_not_all_is_never_said_to_be_all(fraction: float, said: str) -> None:
    assert format_percent(fraction) == said


@pytest.mark.parametrize(("rate", "said"), [(218.4, "218/s"), (12_300, "12,300/s"), (4.26, "4.3/s")])
def test_rates(rate: float, said: str) -> None:
    assert format_rate(rate) == said


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (ErrorRate(0.01, 0.005, 0.02), "1 time in 100 (95 % interval 0.5 % to 2 %)"),
        (ErrorRate(0.25, 0.2, 0.31), "25 times in 100 (95 % interval 20 % to 31 %)"),
        (ErrorRate(0, 0, 0.03), "not once (95 % interval 0 % to 3 %)"),
    ],
)
def test_error_rates_are_told_with_their_interval(rate: ErrorRate, said: str) -> None:
    assert format_error_rate(rate) == said
