"""The rate of a job and the time that is left, at times that the tests choose."""

import pytest

from indexer.progress import Progress
from retrieval_app.workers.job_state import JobState, RateEstimator
from retrieval_app.workers.job_wording import describe_job
from retrieval_app.workers.library_job import summarize_job


def test_the_pace_is_that_of_the_stage() -> None:
    pace = RateEstimator()
    assert pace.items_per_second is None and pace.seconds_left is None
    pace.add_progress(Progress("scan", 500, 0), now=0)
    pace.add_progress(Progress("embed", 0, 100), now=10)
    assert pace.items_per_second is None
    pace.add_progress(Progress("embed", 20, 100), now=14)
    assert pace.items_per_second == pytest.approx(5)
    assert pace.seconds_left == pytest.approx(16)


def test_a_first_batch_is_not_enough_to_tell_the_pace() -> None:
    pace = RateEstimator()
    pace.add_progress(Progress("embed", 0, 1000), now=5)
    pace.add_progress(Progress("embed", 64, 1000), now=5.1)
    assert pace.items_per_second is None and pace.seconds_left is None


def test_the_pace_forgets_what_is_long_ago() -> None:
    pace = RateEstimator()
    for second in range(100):
        pace.add_progress(Progress("embed", second, 1000), now=second)
    pace.add_progress(Progress("embed", 99 + 40, 1000), now=109)
    assert pace.items_per_second == pytest.approx((139 - 94) / 15)


def test_dates_read_for_an_older_library_are_counted_and_said() -> None:
    job = JobState(Progress("facts", 300, 12_000, "/a.jpg"), None, None, stopping=False)
    assert describe_job(job) == "Reading dates and cameras 300 of 12,000"
    result = {"result": "index", "embedded": 0, "seconds": 2.0, "facts_read": 12_000}
    assert summarize_job(result).endswith("0 new photos. Date and camera were read of 12,000 photos indexed before.")
