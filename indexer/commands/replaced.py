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
from indexer.wording import count_noun, tr


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
        print_line(tr("What you said of photo {number} is said of {path} now.", number=number, path=show_path(path)))
    for photo in replaced:
        print_line(_describe_photo(photo))
    print_line(tr("{photos} with words of yours and without a file", photos=count_noun(len(replaced), "photo")))
    if replaced and not carried:
        print_line(tr("To give those to another picture: lookalike replaced --carry-over NUMBER FILE"))


def _carry_to_file(library: Library, number: int, path: Path) -> None:
    """Carry the words of a replaced photo over to a file's. Raises LookalikeError where that cannot be done."""
    if number not in {photo.photo for photo in list_replaced_photos(library.store.database)}:
        raise LookalikeError(
            "There is no replaced photo of number {number}; lookalike replaced lists them.", number=number
        )
    successor = find_photo_id(path, library.store)
    if not successor:
        raise LookalikeError("{path} is no photo of this library. Index its folder first.", path=show_path(path))
    if not carry_annotations(library.store.database, number, successor):
        raise LookalikeError(
            "{path} has another label, or was said to be no match of photo {number}: nothing was changed.",
            path=show_path(path),
            number=number,
        )


def _describe_photo(photo: ReplacedPhoto) -> str:
    words = [tr("label {label}", label=photo.label)] if photo.label is not None else []
    words += [count_noun(photo.decisions, "decision")] if photo.decisions else []
    words += [count_noun(photo.searches, "saved search", "saved searches")] if photo.searches else []
    place = tr("was {path}", path=show_path(photo.path)) if photo.path is not None else tr("its folder was forgotten")
    return f"{photo.photo:>6}  {', '.join(words)}  ({place})"


COMMANDS = [replaced_command]
