"""`lookalike verify`, `identify` and `label`: same or different, which label a picture has, and enrolment."""

from pathlib import Path
from typing import Any

import click

from indexer.cli.options import FILE_PATH, SHARE_NUMBER, json_option, library_option
from indexer.cli.terminal import follow_steps, print_line, print_result
from indexer.errors import LookalikeError
from indexer.exchange.enrolment import EnrolledPhoto, enrol_pictures
from indexer.library import Library
from indexer.matching.identification import IdentificationResult, describe_identity, identify_label
from indexer.matching.identity import LabelVerification, enrol_photos, verify_label
from indexer.paths import show_path
from indexer.places import find_library
from indexer.statistics.calibration import PairComparison
from indexer.statistics.error_rates import ErrorRate
from indexer.statistics.likeness import VERDICT_LEVELS, describe_likeness, find_likeness_word
from indexer.wording import count_noun, format_number, normalise_label, tr, tr_count

fmr_option = click.option("--max-fmr", type=SHARE_NUMBER, help="The share of strangers that may be taken for the same.")


@click.command("verify")
@click.argument("images", nargs=-1, required=True, type=FILE_PATH)
@click.option("--label", help="Instead of a second picture: the label that the picture is claimed to have.")
@fmr_option
@library_option
@json_option
def verify_command(
    images: tuple[Path, ...], label: str | None, max_fmr: float | None, library: Path | None, as_json: bool
) -> int:
    """Say whether two IMAGES are the same, or whether one is of a LABEL, and how often that is wrong."""
    if len(images) != (2 if label is None else 1):
        raise click.UsageError(tr("Name two pictures, or one and a --label."))
    with Library.open(library or find_library(images[0])) as opened:
        if label is None:
            found: PairComparison | LabelVerification = opened.verify_pair(images[0], images[1], max_fmr=max_fmr)
        else:
            found = verify_label(opened, images[0], label, max_fmr=max_fmr)
    if as_json:
        print_result("verify", _round_fields(found._asdict()) | _likeness_fields(found))
    else:
        _print_verdict(found)
    return 0 if found.verdict == "same" else 1


def _likeness_fields(found: PairComparison | LabelVerification) -> dict[str, str | None]:
    """The word of the common scale, and its sentence for people."""
    if isinstance(found, LabelVerification):
        return {"likeness": VERDICT_LEVELS[found.verdict].word, "sentence": _describe_claim(found)}
    return {"likeness": find_likeness_word(found), "sentence": describe_likeness(found)}


def _describe_claim(found: LabelVerification) -> str:
    """Whether a picture is of a claimed label, in a sentence."""
    values = {"label": found.label, "photos": count_noun(found.photos, "photo")}
    if found.verdict == "same":
        return tr("It is {label}, by {photos} of that label.", **values)
    if found.verdict == "not sure":
        return tr("Perhaps it is {label}, by {photos} of that label.", **values)
    return tr("It is not {label}, by {photos} of that label.", **values)


def _print_verdict(found: PairComparison | LabelVerification) -> None:
    """Print the sentence for people, then the figures behind it."""
    nothing = tr("Nothing can be said of this distance: there are too few photos.")
    print_line(_likeness_fields(found)["sentence"] or nothing)
    to_label = isinstance(found, LabelVerification)
    distance = format_number(found.distance, ".3f")
    print_line(
        (
            tr("Mean distance {distance}", distance=distance)
            if to_label
            else tr("Distance {distance}", distance=distance)
        )
        + _describe_threshold(found)
    )
    _print_rate(tr("Strangers taken for it") if to_label else tr("Others taken for the same"), found.fmr)
    _print_rate(tr("Its own refused") if to_label else tr("The same not recognised"), found.fnmr)
    print_line(found.measured)


def _describe_threshold(found: PairComparison | LabelVerification) -> str:
    """On which side of the threshold the distance is; "" without a threshold."""
    if found.threshold is None:
        return ""
    if found.distance < found.threshold:
        return tr(", nearer than the threshold of {threshold:.3f}", threshold=found.threshold)
    return tr(", beyond the threshold of {threshold:.3f}", threshold=found.threshold)


def _print_rate(what: str, rate: ErrorRate | None) -> None:
    if rate is not None:
        print_line(
            tr(
                "{what}: {value:.2%} (95 % interval {low:.2%} to {high:.2%})",
                what=what,
                value=rate.value,
                low=rate.low,
                high=rate.high,
            )
        )


@click.command("identify")
@click.argument("image", type=FILE_PATH)
@click.option("-k", "count", type=click.IntRange(1, 50), default=5, show_default=True, help="Photos that vote.")
@fmr_option
@library_option
@json_option
def identify_command(image: Path, count: int, max_fmr: float | None, library: Path | None, as_json: bool) -> int:
    """Find the label of an IMAGE by the labelled photos, or say that it is unknown and what it is most like."""
    with Library.open(library or find_library(image)) as opened:
        found = identify_label(opened, image, k=count, max_fmr=max_fmr)
    if as_json:
        alternatives = [
            _round_fields(row._asdict()) | {"likeness": find_likeness_word(row)} for row in found.alternatives
        ]
        fields = _round_fields(found._asdict()) | {"unknown": found.label is None, "alternatives": alternatives}
        fields |= {"sentence": describe_identity(found)}
        print_result("identify", fields)
    else:
        _print_identity(found)
    return 0 if found.label is not None else 1


def _print_identity(found: IdentificationResult) -> None:
    print_line(describe_identity(found))
    for row in found.alternatives:
        word = f", {tr(found_word)}" if (found_word := find_likeness_word(row)) else ""
        print_line(
            tr(
                "  {label}: {vote:.0%} of the vote, distance {distance:.3f}{word}",
                label=row.label,
                vote=row.vote,
                distance=row.distance,
                word=word,
            )
        )
    if found.describe_rule():
        print_line(found.describe_rule())
    _print_rate(tr("Unknown taken for known"), found.fmr)
    _print_rate(tr("Known given their label"), found.identified)
    print_line(found.measured)


@click.command("label")
@click.argument("label")
@click.argument("images", nargs=-1, required=True, type=FILE_PATH)
@click.option("--add", "adding", is_flag=True, help="Take IMAGES that are not in the library into it, as copies.")
@library_option
@json_option
def label_command(label: str, images: tuple[Path, ...], adding: bool, library: Path | None, as_json: bool) -> None:
    """Give IMAGES of the library a LABEL; one to five are enough to recognise others. Nothing is trained."""
    missing = next((image for image in images if not image.exists()), None)
    if missing is not None:
        raise LookalikeError("There is no file {missing}.", missing=show_path(missing))
    added: list[EnrolledPhoto] = []
    with Library.open(library or find_library(images[0])) as opened:
        if adding:
            with opened.store.take_job_lock():
                added = follow_steps(enrol_pictures(opened, label, images), as_json=as_json)
        count = len(added) if adding else enrol_photos(opened, label, images)
    stored = normalise_label(label.strip())
    if as_json:
        print_result("label", {"label": stored, "photos": count} | ({"added": _list_added(added)} if adding else {}))
    else:
        print_line(
            tr_count(
                count,
                "{number:,} photo now has the label {label}",
                "{number:,} photos now have the label {label}",
                label=stored,
            )
        )
        for photo in added:
            if photo.copy is not None:
                print_line(tr("Copied into the library: {copy}", copy=show_path(photo.copy)))


def _list_added(photos: list[EnrolledPhoto]) -> list[dict[str, object]]:
    """The labelled photos, each with the user's label before and the copy that was made of it."""
    return [
        {"id": photo.photo_id, "before": photo.before, "copy": None if photo.copy is None else str(photo.copy)}
        for photo in photos
    ]


def _round_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a result for JSON: error rates as objects, other numbers to six decimals."""
    return {
        name: value._asdict()
        if isinstance(value, ErrorRate)
        else round(value, 6)
        if isinstance(value, float)
        else value
        for name, value in fields.items()
    }


COMMANDS = [verify_command, identify_command, label_command]
