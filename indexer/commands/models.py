"""`lookalike model`: which models there are, and which are ready on this computer for every library."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from indexer import atomic
from indexer.cli.options import attached_option, json_option, library_option, size_option, weights_option
from indexer.cli.terminal import follow_steps, print_line, print_result
from indexer.errors import LookalikeError, ModelError
from indexer.home.folders import list_models_folders
from indexer.library import Library
from indexer.models.card import ModelCard, read_card
from indexer.models.catalogue import CataloguedModel, find_catalogued_model, load_catalogue
from indexer.models.hub import is_hub_name, read_licence
from indexer.models.installation import (
    ModelChoice,
    find_installed_card,
    install_shared_model,
    lock_installation,
    parse_model_choice,
)
from indexer.models.model import import_network, load_model
from indexer.models.prepared import find_shared_folder, list_prepared_folders
from indexer.photos.decoding import decode_photo
from indexer.photos.reading import read_photo
from indexer.photos.samples import find_sample_folder
from indexer.places import find_library
from indexer.progress import Steps
from indexer.reports.model_comparison import ModelComparison, ModelSide, compare_models
from indexer.text_models.text_card import has_text_half
from indexer.text_models.text_model import prepare_words
from indexer.wording import tr

MEASURED_PICTURES = 16
VERDICTS = {"better": tr("better"), "worse": tr("worse"), "no clear difference": tr("no clear difference")}
MODEL_STATES = {"built-in": tr("built-in"), "installed": tr("installed"), "available": tr("available")}
SECONDS_PER_MINUTE = 60


@click.group("model")
def model_command() -> None:
    """List, add and remove models; name one with `index --model NAME`, and teach it with `train --backbone NAME`."""


@model_command.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """The models with a short name, and what else is ready on this computer."""
    rows = [_row_fields(row) for row in load_catalogue()] + _list_other_cards()
    if as_json:
        print_result("model-list", {"models": rows})
        return
    for row in rows:
        numbers = tr("{dim:>5} numbers", dim=row["dim"])
        size = f"{row['mb'] or '':>4} MB"
        columns = f"{row['name']:<22} {MODEL_STATES[row['state']]:<10} {size}  {numbers}  {row['licence'] or '':<12}"
        print_line(f"{columns} {tr(row['good_for'])}")


@model_command.command("add")
@click.argument("name")
@weights_option
@size_option
@click.option("--accept-licence", is_flag=True, help="Accept a licence that forbids commercial use.")
@json_option
@attached_option
def add_command(
    *, name: str, weights: Path | None, size: int | None, accept_licence: bool, as_json: bool, attached: bool
) -> None:
    """Make a model ready for every library: a short NAME, a network of timm, hf-hub:OWNER/NAME, a checkpoint's folder.

    With --weights FILE nothing is downloaded: safetensors or torch's own files, of timm, open_clip or a training.
    """
    row, choice = find_catalogued_model(name), parse_model_choice(name, weights, size)
    if weights is None and choice.checkpoint is None and _find_ready(choice) is None:
        _show_origin(_describe_origin(choice.name, row), accept_licence=accept_licence, as_json=as_json)
    card, without_words = follow_steps(_add_model(choice), as_json=as_json, attached=attached)
    if without_words and not as_json:
        print_line(tr("Without words: {without_words}", without_words=without_words), error=True)
    if as_json:
        print_result("model-add", {"name": row.name if row else card.name, "fingerprint": card.fingerprint})
    else:
        print_line(
            tr(
                "{name} is ready. Use it: lookalike index --model {choice}",
                name=row.name if row else card.name,
                choice=name,
            )
        )


def _add_model(choice: ModelChoice) -> Steps[tuple[ModelCard, str]]:
    """Make a model ready for every library, and for words where it is one half of a pair; why not, if it is not."""
    card = yield from install_shared_model(choice)
    without_words = yield from prepare_words(find_shared_folder() / card.fingerprint)
    return card, without_words


class _WeightsOrigin(NamedTuple):
    """Where weights come from, under which licence, and what else is published for the same network."""

    place: str
    licence: str
    other_tags: list[str]


def _describe_origin(name: str, row: CataloguedModel | None) -> _WeightsOrigin:
    """The origin of a network's weights, by the catalogue, else by timm or the hub; ModelError where there are none."""
    if row is not None:
        return _WeightsOrigin(
            tr("{megabytes} MB from {source}", megabytes=row.megabytes, source=row.source), row.licence, []
        )
    network = import_network()
    published = network.backbones.find_published_network(name)
    licence = published.licence or read_licence(published.repository) or tr("not stated")
    tags = [] if is_hub_name(name) or "." in name else network.backbones.list_tags(name)[1:]
    return _WeightsOrigin(published.repository, licence, tags)


def _show_origin(origin: _WeightsOrigin, *, accept_licence: bool, as_json: bool) -> None:
    """Say it before anything is downloaded; LookalikeError where the licence must be accepted first."""
    if "nc" in origin.licence.casefold().split("-") and not accept_licence:
        raise LookalikeError(
            "{licence} forbids commercial use. If that suits you, add --accept-licence.", licence=origin.licence
        )
    if as_json:
        return
    print_line(tr("Weights: {place}, licence {licence}", place=origin.place, licence=origin.licence), error=True)
    if origin.other_tags:
        print_line(
            tr("Other weights of this network: {other_tags}", other_tags=", ".join(origin.other_tags)), error=True
        )


@model_command.command("remove")
@click.argument("name")
@json_option
def remove_command(*, name: str, as_json: bool) -> None:
    """Take a model off this computer's list; libraries that use it keep their own copy."""
    choice = _parse_known_choice(name)
    cards = {folder: find_installed_card(choice, folder) for folder in list_models_folders()}
    found = {folder: card.fingerprint for folder, card in cards.items() if card is not None}
    if not found:
        raise LookalikeError(
            "{name} is not among the models that were added here. See: lookalike model list", name=name
        )
    for folder, fingerprint in found.items():
        with lock_installation(folder):
            atomic.remove_path(folder / fingerprint)
    if as_json:
        print_result("model-remove", {"name": name, "fingerprint": fingerprint})
    else:
        print_line(tr("{name} is no longer kept here.", name=name))


@model_command.command("info")
@click.argument("name")
@json_option
def info_command(*, name: str, as_json: bool) -> None:
    """What a model is, and where it is ready, how many photos a minute it sees on this computer."""
    row, ready = find_catalogued_model(name), _find_ready(_parse_known_choice(name))
    if row is None and ready is None:
        raise LookalikeError("{name} has no short name and is not ready here. See: lookalike model list", name=name)
    fields = _row_fields(row) if row else _card_fields(*ready) if ready else {}
    fields |= {"photos_per_minute": _measure_rate(ready[1]) if ready else None}
    if as_json:
        print_result("model-info", fields)
        return
    for key, value in fields.items():
        if value not in (None, ""):
            print_line(f"{tr(key.replace('_', ' ')):<18} {value}")


@model_command.command("compare")
@click.argument("names", nargs=-1, required=True, metavar="[BEFORE] AFTER")
@library_option
@json_option
@attached_option
def compare_command(*, names: tuple[str, ...], library: Path | None, as_json: bool, attached: bool) -> int:
    """Two models on a library's own photos: on its labels where it has some, and on changed copies. Nothing changes.

    With one name the library's own model is the one before. Exit code 1 where AFTER is not better.
    """
    if len(names) > 2:
        raise click.UsageError(tr("Name one model or two."))
    with Library.open(library or find_library()) as opened:
        folders = [_find_ready_folder(name, opened) for name in names]
        if len(folders) == 1:
            folders.insert(0, opened.models_folder / opened.model_fingerprint)
        found = follow_steps(compare_models(opened, *folders), as_json=as_json, attached=attached)
    if as_json:
        print_result("model-compare", _comparison_fields(found))
    else:
        _print_comparison(found)
    return 0 if found.verdict == "better" else 1


def _find_ready_folder(name: str, library: Library) -> Path:
    """The folder of a model that is in the library or ready on this computer; LookalikeError where it is in neither."""
    choice = _parse_known_choice(name)
    card = find_installed_card(choice, library.models_folder)
    if card is not None:
        return library.models_folder / card.fingerprint
    ready = _find_ready(choice)
    if ready is None:
        raise LookalikeError("{name} is not ready on this computer. First: lookalike model add {name}", name=name)
    return ready[1]


def _comparison_fields(found: ModelComparison) -> dict[str, Any]:
    fields = found._asdict() | {"before": found.before._asdict(), "after": found.after._asdict()}
    return fields | {"change": found.change._asdict() if found.change else None, "verdict": found.verdict}


def _print_comparison(found: ModelComparison) -> None:
    for side in (found.before, found.after):
        print_line(f"{side.name}: {_describe_side(side)}")
    if found.change:
        print_line(
            tr(
                "MAP@R changes by {mean:+.3f} (95 % interval {low:+.3f} to {high:+.3f}) over {queries:,} "
                "labelled photos: {verdict}",
                mean=found.change.mean,
                low=found.change.low,
                high=found.change.high,
                queries=found.queries,
                verdict=VERDICTS[found.verdict],
            )
        )
    left_out = tr("; {seen:,} left out, as a model was trained on them", seen=found.seen) if found.seen else ""
    print_line(
        tr(
            "{agreement:.0%} of the nearest are the same, of {photos:,} photos{left_out}",
            agreement=found.agreement,
            photos=found.photos,
            left_out=left_out,
        )
    )


def _describe_side(side: ModelSide) -> str:
    """The figures of one of the models that are compared."""
    figures = tr(
        "changed copies found {copies_found:.1%}, {milliseconds:.0f} ms a photo, {megabytes:.0f} MB",
        copies_found=side.copies_found,
        milliseconds=side.seconds_per_photo * 1000,
        megabytes=side.megabytes,
    )
    if not side.map_at_r:
        return figures
    shares = tr(
        "same label nearest {label_found:.1%}, MAP@R {map_at_r:.3f}",
        label_found=side.label_found,
        map_at_r=side.map_at_r,
    )
    return f"{shares}, {figures}"


def _parse_known_choice(name: str) -> ModelChoice:
    """The choice that a short name, a network's name or a fingerprint stands for."""
    for place in list_prepared_folders():
        if (place / name).is_dir() and len(name) > 1:
            return ModelChoice(checkpoint=place / name)
    return parse_model_choice(name)


def _find_ready(choice: ModelChoice) -> tuple[ModelCard, Path] | None:
    """The card and the folder of the model of this choice that is ready on this computer."""
    for place in list_prepared_folders():
        card = find_installed_card(choice, place)
        if card is not None:
            return card, place / card.fingerprint
    return None


def _row_fields(row: CataloguedModel) -> dict[str, Any]:
    ready = _find_ready(ModelChoice(row.backbone, size=row.pixels))
    state = "built-in" if row == load_catalogue()[0] else "installed" if ready else "available"
    return {
        "name": row.name,
        "state": state,
        "licence": row.licence,
        "mb": row.megabytes,
        "pixels": ready[0].preprocessing.size if ready else row.pixels,
        "dim": row.dim,
        "words": has_text_half(ready[1]) if ready else row.words,
        "good_for": row.good_for,
        "source": row.source,
        "non_commercial": row.non_commercial,
        **_ready_fields(ready[1] if ready else None),
    }


def _ready_fields(folder: Path | None) -> dict[str, Any]:
    """Where a model is ready on this computer, and its fingerprint; both None where it is not."""
    return {"fingerprint": folder.name if folder else None, "path": str(folder) if folder else None}


def _list_other_cards() -> list[dict[str, Any]]:
    """The fields of every model that is ready here and has no short name."""
    named = {(_find_ready(ModelChoice(row.backbone, size=row.pixels)) or (None, None))[1] for row in load_catalogue()}
    folders: dict[str, Path] = {}
    for place in reversed(list_prepared_folders()):
        folders |= {folder.name: folder for folder in place.glob("[0-9a-f]*") if folder not in named}
    rows = []
    for folder in map(folders.__getitem__, sorted(folders)):
        with suppress(ModelError):
            rows.append(_card_fields(read_card(folder), folder))
    return rows


def _card_fields(card: ModelCard, folder: Path) -> dict[str, Any]:
    return {
        "name": card.name,
        "state": "installed",
        "licence": None,
        "mb": round(sum(path.stat().st_size for path in folder.iterdir()) / 1e6),
        "pixels": card.preprocessing.size,
        "dim": card.dim,
        "words": has_text_half(folder),
        "good_for": f"{card.source} ({folder.name[:12]})",
        "source": card.source,
        "non_commercial": False,
        **_ready_fields(folder),
    }


def _measure_rate(folder: Path) -> int:
    """Photos a minute: MEASURED_PICTURES of the bundled sample read, decoded and embedded one after another."""
    model = load_model(folder, runtime="query")
    paths = sorted(find_sample_folder().glob("*/*.png"))[:MEASURED_PICTURES]
    side = model.card.preprocessing.short_side
    start = time.perf_counter()
    batch = np.stack([model.prepare(decode_photo(read_photo(path), side).image) for path in paths])
    model.embed(batch)
    return round(len(paths) / (time.perf_counter() - start) * SECONDS_PER_MINUTE)


COMMANDS = [model_command]
