"""What kinds of work there are, and how one is doing, in words."""

from typing import NamedTuple

from indexer.wording import format_number, tr
from retrieval_app.wording import format_duration, format_rate
from retrieval_app.workers.job_state import JobState

STAGE_TEXTS = {
    "start": tr("Starting"),
    "prepare": tr("Preparing the model"),
    "scan": tr("Looking for photos"),
    "embed": tr("Indexing"),
    "facts": tr("Reading dates and cameras"),
    "publish": tr("Building the search index"),
    "hash": tr("Looking at every photo"),
    "compare": tr("Comparing"),
    "map": tr("Laying out the map"),
    "cluster": tr("Grouping photos"),
    "group": tr("Looking for near copies and bursts"),
    "measure": tr("Measuring"),
}

# Of stages that are told by what the work as a whole is called, where that is known.
FURTHER_STAGE_TEXTS = {
    "cache": tr("Looking at the pictures"),
    "copies": tr("Comparing with changed copies"),
    "decode": tr("Reading the pictures"),
    "download": tr("Downloading"),
    "export": tr("Writing"),
    "fit": tr("Fitting"),
    "read": tr("Reading"),
    "save": tr("Saving"),
    "test": tr("Judging"),
}


class WorkKind(NamedTuple):
    """A kind of work: its name, the page it belongs to, what stopping it is called, and a sentence when it is done."""

    name: str
    page: str
    stop_text: str
    done: str = ""


WORK_KINDS = {
    "index": WorkKind(tr("Indexing"), "Library", tr("Stop indexing")),
    "waiting": WorkKind(tr("Waiting"), "", tr("Stop what waits")),
    "label": WorkKind(tr("Adding a picture"), "", tr("Stop adding the picture")),
    "watch": WorkKind(tr("Indexing what changed"), "Library", ""),
    "use": WorkKind(tr("Changing the model"), "Models", tr("Stop changing the model")),
    "model": WorkKind(tr("Changing the list of models"), "Models", tr("Stop changing the list of models")),
    "forget": WorkKind(tr("Forgetting"), "Library", tr("Stop forgetting")),
    "roots": WorkKind(tr("Moving the folder"), "Library", tr("Stop moving the folder")),
    "duplicates": WorkKind(
        tr("Looking for duplicates"), "Duplicates", tr("Stop looking"), tr("The duplicates are found.")
    ),
    "trash": WorkKind(tr("Moving files to the trash"), "Duplicates", tr("Stop moving files to the trash")),
    "put back": WorkKind(tr("Putting files back"), "Duplicates", tr("Stop putting files back")),
    "map": WorkKind(tr("Laying out the map"), "Map", tr("Stop the map"), tr("The map is laid out.")),
    "cluster": WorkKind(tr("Grouping by likeness"), "Map", tr("Stop grouping"), tr("The photos are grouped.")),
    "evaluate": WorkKind(
        tr("Measuring the model"), "Evaluate", tr("Stop measuring"), tr("The figures of the model are there.")
    ),
    "study": WorkKind(tr("Studying"), "Evaluate", tr("Stop the study"), tr("The study is done.")),
    "train": WorkKind(tr("Training"), "Models", tr("Stop the training"), tr("The training is done.")),
    "report": WorkKind(tr("Making the report"), "Models", tr("Stop the report")),
    "model add": WorkKind(tr("Making a model ready"), "Models", tr("Stop making it ready")),
    "model compare": WorkKind(
        tr("Comparing two models"), "Evaluate", tr("Stop comparing"), tr("The models are compared.")
    ),
    "copy": WorkKind(tr("Copying"), "", tr("Stop copying")),
    "link": WorkKind(tr("Linking"), "", tr("Stop linking")),
    "delete": WorkKind(tr("Deleting the library"), "", ""),
    "move": WorkKind(tr("Moving to another folder"), "", tr("Stop moving to another folder")),
}


def find_work_kind(name: str) -> WorkKind:
    """The kind of this name; a plain one for a command that has none."""
    return WORK_KINDS.get(name) or WorkKind(tr("Working"), "", tr("Stop the work"), tr("The work is done."))


COUNTED_STAGES = ("embed", "facts", "hash", "map", "group")  # stages of which count, rate and time left are told


def describe_stage(job: JobState | None) -> str:
    """What a job is doing, for a page that has nothing to show before: 'Indexing…'; "" without a job."""
    return f"{STAGE_TEXTS.get(job.progress.stage) or tr('Working')}…" if job is not None else ""


def describe_job(job: JobState, name: str = "") -> str:
    """How a job is doing, in one line: 'Indexing 12,300 of 40,000  ·  218/s  ·  2 min left'.

    `name` says what the work is where its stage is not among those that are named.
    """
    progress = job.progress
    parts = [STAGE_TEXTS.get(progress.stage) or name or FURTHER_STAGE_TEXTS.get(progress.stage) or tr("Working")]
    if progress.stage == "scan":
        parts[0] += f" {format_number(progress.done, ',')}" if progress.done else ""
    elif progress.stage in COUNTED_STAGES and progress.total:
        parts[0] += tr(" {done:,} of {total:,}", done=progress.done, total=progress.total)
        parts += [format_rate(job.rate)] if job.rate is not None else []
        parts += (
            [tr("{seconds_left} left", seconds_left=format_duration(job.seconds_left))]
            if job.seconds_left is not None
            else []
        )
    else:
        if progress.stage not in STAGE_TEXTS and progress.total and progress.done:
            parts[0] += tr(" {done:,} of {total:,}", done=progress.done, total=progress.total)
            parts += (
                [tr("{seconds_left} left", seconds_left=format_duration(job.seconds_left))]
                if job.seconds_left is not None
                else []
            )
        parts += [progress.note] if progress.note else []
    return "  ·  ".join(parts)
