"""Put a model into a library: its weights, its converted form, and the proof that this form agrees with torch.

A model that is ready on this computer (`prepared`) is copied; torch and timm are imported only when there is something
to build. A model is written into a temporary folder that takes its final name, the fingerprint, when it is whole. The
conversion is in `runtime`, its check in `agreement`, the weights come from `network` and `backbones`;
`model.load_model` loads what is installed here.
"""

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from indexer import atomic
from indexer.errors import ModelError
from indexer.models.agreement import RuntimeDisagreement, check_agreement, check_fast_precision
from indexer.models.card import (
    CARD_FILE,
    CARD_LIMIT,
    DEFAULT_BACKBONE,
    REPORT_DATA_FILE,
    TEXT_FOLDER,
    TRAINING_RECORD_FILE,
    WEIGHTS_FILE,
    ModelCard,
    check_location,
    copy_weights,
    hash_weights,
    read_card,
    read_json,
    read_regular,
    serialise_card,
)
from indexer.models.catalogue import find_catalogued_model
from indexer.models.class_layer import PACKAGED_SOURCE, PACKAGED_SOURCES
from indexer.models.framing import DEFAULT_FRAMING, FRAMINGS
from indexer.models.hub import (
    PAIR_FILE,
    PAIR_TEXT_FILES,
    PublishedNetwork,
    fetch_text_files,
    fetch_weights,
    find_download_folder,
    is_hub_name,
    read_local_pair,
    read_published_network,
)
from indexer.models.model import has_torch, import_network
from indexer.models.prepared import copy_model, derive_form, find_shared_folder, list_prepared_folders, share_model
from indexer.models.runtime import (
    BIN_FILE,
    XML_FILE,
    RuntimeForm,
    check_files,
    convert_network,
    read_form,
    write_form,
)
from indexer.paths import show_path
from indexer.photos.decoding import DECODE_VERSION
from indexer.progress import Progress, Steps
from indexer.wording import tr

LOCK_SECONDS = 600.0  # a large network is prepared in a minute or two


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model to install: a timm name, maybe with a local weights file, or a checkpoint folder instead.

    `pair` is the folder of a pair for pictures and texts, as open_clip publishes it, that the name and weights are of.
    `framing` and `size` in pixels, None for its own, are those of the named network's input; a checkpoint brings both.
    """

    name: str = DEFAULT_BACKBONE
    weights: Path | None = None
    checkpoint: Path | None = None
    framing: str = DEFAULT_FRAMING
    size: int | None = None
    pair: Path | None = None


def parse_model_choice(model: str | None, weights: Path | None = None, size: int | None = None) -> ModelChoice:
    """The choice made by `--model NAME|CHECKPOINT|PAIR`, `--weights FILE` and `--size PIXELS`.

    A short name of the catalogue stands for its network and size of input. ModelError where a checkpoint, which has
    weights and a size of its own, is given another, or where a file stands in the place of the network's name.
    """
    folder = Path(model) if model else None
    if folder is not None and folder.is_file():
        raise ModelError(
            "{folder} does not say which network its weights are of. Name it: --model NAME --weights FILE.",
            folder=show_path(folder),
        )
    if folder is None or not folder.is_dir():
        row = find_catalogued_model(model) if model else None
        name = row.backbone if row else model or DEFAULT_BACKBONE
        return ModelChoice(name, weights, size=size or (row.pixels if row else None))
    if weights is None and (folder / PAIR_FILE).is_file() and not (folder / CARD_FILE).is_file():
        published, file = read_local_pair(folder)
        return ModelChoice(published.architecture, file, size=size, pair=folder)
    if not (folder / CARD_FILE).is_file():
        raise ModelError(
            "{folder} is no model: the folder of one holds {card_file} and {weights_file}, as a training or "
            "lookalike model export writes them, or {pair_file} and weights, as open_clip publishes a pair.",
            folder=show_path(folder),
            card_file=CARD_FILE,
            weights_file=WEIGHTS_FILE,
            pair_file=PAIR_FILE,
        )
    if weights is not None or size is not None:
        option = "--weights" if weights is not None else "--size"
        raise ModelError(
            "{folder} is a checkpoint with weights of its own: leave {option} out.",
            folder=show_path(folder),
            option=option,
        )
    return ModelChoice(checkpoint=folder)


def find_installed_card(choice: ModelChoice, folder: Path) -> ModelCard | None:
    """The card of the chosen model if it is installed in `folder`, else None; reads cards only and needs no torch.

    ModelError where the chosen file or checkpoint itself cannot be read.
    """
    choice_key = _compute_choice_key(choice)
    for path in sorted(folder.glob("[0-9a-f]*")):
        try:
            card = read_card(path)
            check_location(card, path)
        except ModelError:
            continue
        described = f"{card.preprocessing.framing}: {card.source}"
        if choice_key in (card.fingerprint, described, f"{card.backbone}, {described}"):
            return card
    return None


def find_default_choice(fingerprint: str) -> ModelChoice | None:
    """The choice of the default model, by its framing, whose card has this fingerprint; None where none has it."""
    network = import_network()
    for choice in (ModelChoice(framing=framing) for framing in FRAMINGS):
        built_network = network.create_network(framing=choice.framing)
        card = network.build_card(built_network, name=choice.name, source=PACKAGED_SOURCE)
        if card.fingerprint == fingerprint:
            return choice
    return None


def find_prepared_model(fingerprint: str) -> Path | None:
    """The folder of the whole model with this fingerprint that is ready on this computer; None where there is none."""
    places = (place / fingerprint for place in list_prepared_folders())
    return next((path for path in places if path.is_dir() and is_whole(path)), None)


def install_shared_model(choice: ModelChoice) -> Steps[ModelCard]:
    """Put the chosen model into the home folder, where libraries copy it from; waits for others who do so."""
    folder = find_shared_folder()
    yield Progress("prepare", 0, 0)
    with lock_installation(folder):
        return (yield from install_model(choice, folder))


def install_model(choice: ModelChoice, folder: Path) -> Steps[ModelCard]:
    """Put the chosen model into folder/FINGERPRINT, converted and checked, and return its card.

    One that is installed and whole is left alone.
    Where conversion fails or does not agree with torch, the model is installed for torch and runtime.json says why.
    The caller holds the library's job lock. ModelError where the model cannot be had.
    """
    try:
        return (yield from _install_unless_present(choice, folder))
    except OSError as error:
        raise ModelError(
            "The model cannot be written to {folder}: {reason}.",
            folder=show_path(folder),
            reason=error.strerror or error,
        ) from error


def _install_unless_present(choice: ModelChoice, folder: Path) -> Steps[ModelCard]:
    yield Progress("prepare", 0, 4, tr("Looking for the model"))
    folder.mkdir(parents=True, exist_ok=True)
    atomic.remove_leftovers(folder)
    installed_card = find_installed_card(choice, folder)
    if installed_card is not None and is_whole(folder / installed_card.fingerprint):
        return installed_card
    temporary = atomic.create_temporary_folder(folder / "model")
    try:
        source = find_ready_model(choice, folder)
        if source is None:
            card, form = yield from _prepare_model(choice, temporary)
        else:
            yield Progress("prepare", 3, 4, tr("Copying the model that is ready on this computer"))
            card, form = _copy_prepared(source, temporary)
        write_form(form, temporary)
        if choice.checkpoint is not None:
            _copy_record(choice.checkpoint, temporary)
        atomic.publish_folder(temporary, folder / card.fingerprint)
    finally:
        atomic.remove_path(temporary)
    if source is None and choice.checkpoint is None:
        share_model(card, form, folder / card.fingerprint)
    yield Progress("prepare", 4, 4, tr("{name} is ready", name=card.name))
    return card


def _copy_record(checkpoint: Path, folder: Path) -> None:
    """Copy what tells of the training, so that whoever has the model knows what it was worth."""
    for name in (TRAINING_RECORD_FILE, REPORT_DATA_FILE):
        with contextlib.suppress(ModelError):
            (folder / name).write_bytes(read_regular(checkpoint / name, CARD_LIMIT))


def find_ready_model(choice: ModelChoice, besides: Path | None = None) -> Path | None:
    """The whole model of this choice and of today's decoding that is ready on this computer, in another place than
    `besides`; None where none is.
    """
    for place in list_prepared_folders():
        card = find_installed_card(choice, place)
        if card is None or card.decode_version != DECODE_VERSION or (besides and place.resolve() == besides.resolve()):
            continue
        if is_whole(place / card.fingerprint):
            return place / card.fingerprint
    return None


def _copy_prepared(source: Path, folder: Path) -> tuple[ModelCard, RuntimeForm]:
    """Copy a prepared model; returns its card, and its form with the precision that is right on this processor."""
    card = read_card(source)
    form = read_form(source, card)
    copy_model(source, form, folder)
    return card, check_fast_precision(form, folder, card.preprocessing)


def _prepare_model(choice: ModelChoice, folder: Path) -> Steps[tuple[ModelCard, RuntimeForm]]:
    """Write the weights of the choice and their converted form, checked against torch."""
    yield _describe_loading(choice)
    weights = yield from _fetch_weights(choice)
    card = _write_weights(choice, weights, folder)
    if weights is not None and weights.parent == find_download_folder():
        atomic.remove_path(weights)  # the model has its own copy
    yield Progress("prepare", 2, 4, tr("Converting the model for this processor, once"))
    form = (None if has_torch() else derive_form(card, folder)) or _convert_and_check(card, folder)
    yield Progress("prepare", 3, 4, form.why)
    return card, form


def is_whole(folder: Path) -> bool:
    """Whether every file of an installed model is the one its card and runtime.json name."""
    try:
        verify_model(folder)
    except ModelError:
        return False
    return True


def verify_model(folder: Path) -> ModelCard:
    """Hash every file of an installed model and return its card; ModelError names the file that is damaged.

    For a file of the converted form the error is NotConverted.
    """
    card = read_card(folder)
    check_location(card, folder)
    if hash_weights(folder / WEIGHTS_FILE) != card.weights_sha256:
        raise ModelError("{folder} is damaged. Install the model again.", folder=show_path(folder / WEIGHTS_FILE))
    check_files(folder, read_form(folder, card))
    return card


def _compute_choice_key(choice: ModelChoice) -> str:
    """What tells whether an installed card is the choice: its fingerprint, else backbone, framing and source."""
    if choice.checkpoint is not None:
        return _read_current_card(choice.checkpoint).fingerprint
    described = f"{choice.framing}: {_describe_weights_source(choice)}"
    return described if is_hub_name(choice.name) else f"{choice.name}, {described}"


def _describe_weights_source(choice: ModelChoice) -> str:
    """The source of the weights in words, and a size of input that was chosen; the same words for the same choice."""
    chosen_size = f", for pictures of {choice.size} px" if choice.size else ""
    if choice.weights is not None:
        digest = hash_weights(choice.weights)
        return (
            f"{'pair' if choice.pair else 'file'} {show_path(choice.weights)[-200:]} with sha256 {digest}{chosen_size}"
        )
    if choice.name in PACKAGED_SOURCES:
        return PACKAGED_SOURCES[choice.name] + chosen_size
    return f"weights of {choice.name}, downloaded by timm{chosen_size}"


def _describe_loading(choice: ModelChoice) -> Progress:
    """The progress of getting the weights."""
    if choice.checkpoint is not None:
        return Progress("prepare", 1, 4, tr("Loading the checkpoint {path}", path=show_path(choice.checkpoint)))
    if choice.weights is None and choice.name not in PACKAGED_SOURCES:
        return Progress("download", 0, 0, tr("Downloading the weights of {name}", name=choice.name))
    return Progress("prepare", 1, 4, tr("Loading the weights of {name}", name=choice.name))


def _read_current_card(checkpoint: Path) -> ModelCard:
    """The checkpoint's card with this program's decode version."""
    return replace(read_card(checkpoint), decode_version=DECODE_VERSION)


def _fetch_weights(choice: ModelChoice) -> Steps[Path | None]:
    """The weights file of the choice, downloaded where that is needed; None for packaged weights and a checkpoint's."""
    if choice.weights is not None or choice.checkpoint is not None or choice.name in PACKAGED_SOURCES:
        return choice.weights
    published = import_network().backbones.find_published_network(choice.name)
    return (yield from fetch_weights(published, choice.name))


def _write_weights(choice: ModelChoice, weights: Path | None, folder: Path) -> ModelCard:
    """Write `model.safetensors` and `model.json` of the choice; a checkpoint's weights are copied byte for byte."""
    if choice.checkpoint is None:
        return _write_named_network(choice, weights, folder)
    card = _read_current_card(choice.checkpoint)
    copy_weights(choice.checkpoint / WEIGHTS_FILE, folder / WEIGHTS_FILE)
    card_fields = read_json(choice.checkpoint / CARD_FILE)
    (folder / CARD_FILE).write_bytes(
        serialise_card(card, *map(card_fields.get, ("calibration", "trained_labels", "instant")))
    )
    if (choice.checkpoint / TEXT_FOLDER).is_dir():
        shutil.copytree(choice.checkpoint / TEXT_FOLDER, folder / TEXT_FOLDER, symlinks=True)
    return card


def _write_named_network(choice: ModelChoice, weights: Path | None, folder: Path) -> ModelCard:
    """Write a network of timm, of the hub, or a pair: then its projection is the head, its text half goes beside it."""
    network = import_network()
    published = _describe_pair(choice)
    built_network = network.create_network(
        choice.name, weights, size=choice.size, framing=choice.framing, published=published
    )
    half = network.read_text_half(weights) if published and published.pair else None
    if half is not None:
        built_network = network.add_projection(built_network, half.projection)
    written: ModelCard = network.write_checkpoint(
        built_network, folder, name=choice.name, source=_describe_weights_source(choice)
    )
    if half is not None and published is not None:
        network.write_text_half(half, published.pair, _list_text_files(choice, published), folder / TEXT_FOLDER)
    return written


def _describe_pair(choice: ModelChoice) -> PublishedNetwork | None:
    """What is published of the choice, where that may be a pair; None for a plain name."""
    if choice.pair is not None:
        return read_local_pair(choice.pair)[0]
    return read_published_network(choice.name) if is_hub_name(choice.name) else None


def _list_text_files(choice: ModelChoice, published: PublishedNetwork) -> list[Path]:
    """The files that cut a text into the tokens of the pair; those that there are."""
    if choice.pair is None:
        return fetch_text_files(published, choice.name)
    return [choice.pair / name for name in PAIR_TEXT_FILES if (choice.pair / name).is_file()]


def _convert_and_check(card: ModelCard, folder: Path) -> RuntimeForm:
    """The form of the weights in `folder`, converted and checked; where that fails, one for torch, with the reason."""
    network = import_network()
    torch_network = network.load_network(folder)
    try:
        files = convert_network(torch_network, network.make_example_batch(torch_network), folder)
        form = RuntimeForm(card.fingerprint, "openvino", "Converted to OpenVINO, it agrees with torch.", files=files)
        return check_agreement(form, folder, network.make_runner(torch_network, "cpu"), card.preprocessing)
    except (ModelError, RuntimeDisagreement) as error:
        for name in (XML_FILE, BIN_FILE):
            atomic.remove_path(folder / name)
        return RuntimeForm(card.fingerprint, "torch", str(error))


@contextmanager
def lock_installation(folder: Path) -> Iterator[None]:
    """Hold the lock on installing models into a folder; waits while another program holds it, up to LOCK_SECONDS.

    ModelError where that lasts longer, or the lock cannot be had.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = atomic.acquire_lock(folder / "install.lock", LOCK_SECONDS)
    except TimeoutError:
        raise ModelError(
            "Another program has been preparing models in {folder} for {minutes:.0f} minutes. End it, "
            "or try again later.",
            folder=show_path(folder),
            minutes=LOCK_SECONDS / 60,
        ) from None
    except OSError as error:
        raise ModelError(
            "No model can be written to {folder}: {reason}.",
            folder=show_path(folder),
            reason=error.strerror or error,
        ) from error
    with lock:
        yield
