"""What kinds of work there are, and how one is doing, in words."""

from typing import NamedTuple

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


class WorkKind(NamedTuple):
    """A kind of work: its name, the page it belongs to, what stopping it is called, and a sentence when it is done."""

    name: str
    page: str
    stop_text: str
    done: str = ""


WORK_KINDS = {
    "index": WorkKind("Indexing", "Library", "Stop indexing"),
    "watch": WorkKind("Indexing what changed", "Library", ""),
    "use": WorkKind("Changing the model", "Models", "Stop changing the model"),
    "model": WorkKind("Changing the list of models", "Models", "Stop changing the list of models"),
    "forget": WorkKind("Forgetting", "Library", "Stop forgetting"),
    "roots": WorkKind("Moving the folder", "Library", "Stop moving the folder"),
    "duplicates": WorkKind("Looking for duplicates", "Duplicates", "Stop looking", "The duplicates are found."),
    "trash": WorkKind("Moving files to the trash", "Duplicates", "Stop moving files to the trash"),
    "put back": WorkKind("Putting files back", "Duplicates", "Stop putting files back"),
    "map": WorkKind("Laying out the map", "Map", "Stop the map", "The map is laid out."),
    "cluster": WorkKind("Grouping by likeness", "Map", "Stop grouping", "The photos are grouped."),
    "evaluate": WorkKind("Measuring the model", "Evaluate", "Stop measuring", "The figures of the model are there."),
    "study": WorkKind("Studying", "Evaluate", "Stop the study", "The study is done."),
    "train": WorkKind("Training", "Models", "Stop the training", "The training is done."),
    "report": WorkKind("Making the report", "Models", "Stop the report"),
    "model add": WorkKind("Making a model ready", "Models", "Stop making it ready"),
    "model compare": WorkKind("Comparing two models", "Evaluate", "Stop comparing", "The models are compared."),
    "copy": WorkKind("Copying", "", "Stop copying"),
    "link": WorkKind("Linking", "", "Stop linking"),
    "delete": WorkKind("Deleting the library", "", ""),
}


def find_work_kind(name: str) -> WorkKind:
    """The kind of this name; a plain one for a command that has none."""
    return WORK_KINDS.get(name) or WorkKind("Working", "", "Stop the work", "The work is done.")


COUNTED_STAGES = ("embed", "facts", "hash", "map", "group")  # stages of which count, rate and time left are told


def describe_stage(job: JobState | None) -> str:
    """What a job is doing, for a page that has nothing to show before: 'Indexing…'; "" without a job."""
    return f"{STAGE_TEXTS.get(job.progress.stage, 'Working')}…" if job is not None else ""


def describe_job(job: JobState, name: str = "") -> str:
    """How a job is doing, in one line: 'Indexing 12,300 of 40,000  ·  218/s  ·  2 min left'.

    `name` says what the work is where its stage is not among those that are named.
    """
    progress = job.progress
    parts = [STAGE_TEXTS.get(progress.stage, name or progress.stage.capitalize())]
    if progress.stage == "scan":
        parts[0] += f" {progress.done:,}" if progress.done else ""
    elif progress.stage in COUNTED_STAGES and progress.total:
        parts[0] += f" {progress.done:,} of {progress.total:,}"
        parts += [format_rate(job.rate)] if job.rate is not None else []
        parts += [f"{format_duration(job.seconds_left)} left"] if job.seconds_left is not None else []
    else:
        if progress.stage not in STAGE_TEXTS and progress.total and progress.done:
            parts[0] += f" {progress.done:,} of {progress.total:,}"
            parts += [f"{format_duration(job.seconds_left)} left"] if job.seconds_left is not None else []
        parts += [progress.note] if progress.note else []
    return "  ·  ".join(parts)
