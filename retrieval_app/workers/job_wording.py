"""How a job is doing, in words."""

from retrieval_app.wording import format_duration, format_rate
from retrieval_app.workers.job_state import JobState

STAGE_TEXTS = {
    "start": "Starting",
    "prepare": "Preparing the model",
    "scan": "Looking for photos",
    "embed": "Indexing",
    "facts": "Reading dates and cameras",
    "publish": "Building the search index",
    "hash": "Looking at every photo",
    "compare": "Comparing",
    "map": "Laying out the map",
    "cluster": "Grouping photos",
    "group": "Looking for near copies and bursts",
    "measure": "Measuring",
}
COUNTED_STAGES = ("embed", "facts", "hash", "map", "group")  # stages of which count, rate and time left are told


def describe_stage(job: JobState | None) -> str:
    """What a job is doing, for a page that has nothing to show before: 'Indexing…'; "" without a job."""
    return f"{STAGE_TEXTS.get(job.progress.stage, 'Working')}…" if job is not None else ""


def describe_job(job: JobState) -> str:
    """How a job is doing, in one line: 'Indexing 12,300 of 40,000  ·  218/s  ·  2 min left'."""
    progress = job.progress
    parts = [STAGE_TEXTS.get(progress.stage, progress.stage.capitalize())]
    if progress.stage == "scan":
        parts[0] += f" {progress.done:,}" if progress.done else ""
    elif progress.stage in COUNTED_STAGES and progress.total:
        parts[0] += f" {progress.done:,} of {progress.total:,}"
        parts += [format_rate(job.rate)] if job.rate is not None else []
        parts += [f"{format_duration(job.seconds_left)} left"] if job.seconds_left is not None else []
    elif progress.note:
        parts.append(progress.note)
    return "  ·  ".join(parts)
