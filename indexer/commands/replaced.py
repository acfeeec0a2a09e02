"""`lookalike replaced`: photos of which the user has said something and that no file holds any more."""

from pathlib import Path

import click

from indexer.cli.options import FILE_PATH, json_option, library_option
from indexer.cli.terminal import print_line, print_result
from indexer.database.replacements import ReplacedPhoto, carry_annotations, list_replaced_photos
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.paths import show_path
from indexer.places import find_library
from indexer.search.examples import find_photo_id
from indexer.wording import count_noun


@click.command("replaced")
@click.option(
    "--carry-over",
    "carried",
    nargs=2,
    multiple=True,
    type=(int, FILE_PATH),
    metavar="NUMBER FILE",
    help="Give what you said of the photo of this NUMBER to the picture in FILE.",
)
@library_option
@json_option
def replaced_command(carried: tuple[tuple[int, Path], ...], library: Path | None, as_json: bool) -> None:
    """List photos with labels or decisions of yours whose files hold other pictures now, or carry those words over."""
    with Library.open(library or find_library(carried[0][1] if carried else None)) as opened:
        for number, path in carried:
            _carry_to_file(opened, number, path)
        replaced = list_replaced_photos(opened.store.database)
    if as_json:
        listed = [photo._asdict() | {"path": photo.path and show_path(photo.path)} for photo in replaced]
        print_result("replaced", {"photos": listed, "carried": len(carried)})
        return
    for number, path in carried:
        print_line(f"What you said of photo {number} is said of {show_path(path)} now.")
    for photo in replaced:
        print_line(_describe_photo(photo))
    print_line(f"{count_noun(len(replaced), 'photo')} with words of yours and without a file")
    if replaced and not carried:
        print_line("To give those to another picture: lookalike replaced --carry-over NUMBER FILE")


def _carry_to_file(library: Library, number: int, path: Path) -> None:
    """Carry the words of a replaced photo over to a file's. Raises LookalikeError where that cannot be done."""
    if number not in {photo.photo for photo in list_replaced_photos(library.store.database)}:
        raise LookalikeError(f"There is no replaced photo of number {number}; lookalike replaced lists them.")
    successor = find_photo_id(path, library.store)
    if not successor:
        raise LookalikeError(f"{show_path(path)} is no photo of this library. Index its folder first.")
    if not carry_annotations(library.store.database, number, successor):
        raise LookalikeError(
            f"{show_path(path)} has another label, or was said to be no match of photo {number}: nothing was changed."
        )


def _describe_photo(photo: ReplacedPhoto) -> str:
    words = [f"label {photo.label}"] if photo.label is not None else []
    words += [count_noun(photo.decisions, "decision")] if photo.decisions else []
    words += [count_noun(photo.searches, "saved search", "saved searches")] if photo.searches else []
    place = f"was {show_path(photo.path)}" if photo.path is not None else "its folder was forgotten"
    return f"{photo.photo:>6}  {', '.join(words)}  ({place})"


COMMANDS = [replaced_command]
