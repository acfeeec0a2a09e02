"""Weights that a hub serves: their repository, found in the hub's cache on this computer, or downloaded on request."""

import contextlib
import hashlib
import importlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import huggingface_hub as hub

from indexer.errors import ModelError
from indexer.home.folders import MODELS_FOLDER, find_home_folder, find_models_folder
from indexer.paths import show_path
from indexer.progress import Steps
from indexer.trust.downloads import DownloadFailed, RemoteFile, fetch_file
from indexer.trust.regular_file import UnusableFile, read_regular_file
from indexer.wording import tr

HUB_PREFIX = "hf-hub:"
WEIGHT_NAMES = ("model.safetensors", "pytorch_model.bin")
OPEN_CLIP_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
PAIR_FILE = "open_clip_config.json"  # describes a network of pictures and one of texts that were trained together
PAIR_TEXT_FILES = ("tokenizer.json", "tokenizer_config.json")  # how it cuts a text into tokens
PAIRED_NETWORKS = ("clip", "siglip")  # in the names of networks that are published as a half of a pair too
CLIP_SIZES = {(384, 12): "small", (768, 12): "base", (1024, 24): "large", (1280, 32): "huge", (1408, 40): "giant"}
ANSWER_SECONDS = 15
CLIENT_PARTS = ("constants", "errors", "utils")  # of the hub's client, which has none of them before it is imported
DESCRIPTION_LIMIT = 1 << 20  # bytes; one has about 1,000
# Of a network's description in a hub: what timm may be told about its input, and what changes nothing for embeddings.
INPUT_FIELDS = ("input_size", "mean", "std", "crop_pct", "interpolation", "fixed_input_size")
HARMLESS_OPTIONS = {"num_classes", "in_chans", "img_size", "pretrained", "drop_rate", "drop_path_rate"}


class PublishedNetwork(NamedTuple):
    """A network in a hub: timm's name of its architecture, what its input is, where its weights lie.

    `input_fields` go over timm's own configuration of the architecture; one of `filenames` is there. `licence` is None
    where it is not known without asking the hub. `pair` is the description of a pair of open_clip, of which this is the
    network of the pictures; None for others.
    """

    architecture: str
    input_fields: dict[str, Any]
    repository: str
    filenames: tuple[str, ...] = WEIGHT_NAMES
    licence: str | None = None
    pair: dict[str, Any] | None = None


def is_hub_name(name: str) -> bool:
    """Whether a network is named by its repository, as in hf-hub:OWNER/NAME."""
    return name.startswith(HUB_PREFIX)


def read_published_network(name: str) -> PublishedNetwork:
    """What the repository of hf-hub:OWNER/NAME says of its network, from the hub's cache or the hub.

    It is described for timm or for open_clip; a pair for pictures and texts as such, where it is published as both.
    ModelError where it cannot be had or built as timm builds it.
    """
    repository = name.removeprefix(HUB_PREFIX)
    with _translate_faults(name):
        try:
            fields = _read_description(repository, "config.json")
        except _list_missing_faults():
            return _describe_for_open_clip(_read_description(repository, PAIR_FILE), repository)
        architecture = str(fields.get("architecture", "clip"))  # other libraries describe pairs in this file too
        if not any(name in architecture for name in PAIRED_NETWORKS):
            return _describe_for_timm(fields, repository)
        try:
            return _describe_for_open_clip(_read_description(repository, PAIR_FILE), repository)
        except _list_missing_faults():
            return _describe_for_timm(fields, repository)


def _list_missing_faults() -> tuple[type[Exception], ...]:
    """What the hub's client raises for a file that a repository does not have; its module is imported when needed."""
    errors = importlib.import_module("huggingface_hub.errors")
    return errors.EntryNotFoundError, errors.LocalEntryNotFoundError


def _read_description(repository: str, filename: str) -> dict[str, Any]:
    path = hub.hf_hub_download(repository, filename)
    fields: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return fields


def _describe_for_timm(fields: dict[str, Any], repository: str) -> PublishedNetwork:
    config = fields.get("pretrained_cfg", fields)
    options = sorted(set(fields.get("model_args") or {}) - HARMLESS_OPTIONS)
    if options or "architecture" not in fields:
        reason = f"is built with the option {options[0]!r}" if options else "is none of timm's"
        raise ModelError(
            "The network in {repository} {reason}, which is not supported.", repository=repository, reason=reason
        )
    inputs = {key: config[key] for key in INPUT_FIELDS if config.get(key) is not None}
    return PublishedNetwork(str(fields["architecture"]), inputs, repository)


def _describe_for_open_clip(fields: dict[str, Any], repository: str) -> PublishedNetwork:
    """The network of the pictures in a pair of open_clip: one of timm's, or CLIP's own vision transformer."""
    model, inputs = fields["model_cfg"], fields.get("preprocess_cfg", {})
    vision = model["vision_cfg"]
    size = int(vision.get("image_size", 224))
    if (architecture := vision.get("timm_model_name")) is None:
        width = CLIP_SIZES[int(vision["width"]), int(vision["layers"])]
        activation = "quickgelu_" if model.get("quick_gelu") else ""
        architecture = f"vit_{width}_patch{vision['patch_size']}_clip_{activation}{size}"
    given = {key: tuple(inputs[key]) for key in ("mean", "std") if key in inputs}
    input_fields = {"input_size": (3, size, size), **given}
    return PublishedNetwork(str(architecture), input_fields, repository, OPEN_CLIP_NAMES, pair=fields)


def read_local_pair(folder: Path) -> tuple[PublishedNetwork, Path]:
    """The network of the pictures in a folder as open_clip publishes a pair, and the file of both networks' weights.

    ModelError where the folder does not hold such a pair.
    """
    try:
        fields = json.loads(read_regular_file(folder / PAIR_FILE, DESCRIPTION_LIMIT))
        published = _describe_for_open_clip(fields, "")
    except (UnusableFile, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            "{folder} does not describe a pair of networks as open_clip's.", folder=show_path(folder / PAIR_FILE)
        ) from error
    for name in OPEN_CLIP_NAMES:
        if (folder / name).is_file():
            return published, folder / name
    raise ModelError(
        "{folder} holds no weights: {name} or {other_name}.",
        folder=show_path(folder),
        name=OPEN_CLIP_NAMES[0],
        other_name=OPEN_CLIP_NAMES[1],
    )


def fetch_text_files(published: PublishedNetwork, name: str) -> list[Path]:
    """The files that say how a pair cuts a text into tokens, from the hub's cache or the hub; those that there are."""
    found = []
    with _translate_faults(name):
        for filename in PAIR_TEXT_FILES:
            with contextlib.suppress(*_list_missing_faults()):
                found.append(Path(hub.hf_hub_download(published.repository, filename)))
    return found


def find_cached_weights(published: PublishedNetwork) -> Path | None:
    """The weights file in the hub's cache on this computer; None where none is."""
    for filename in published.filenames:
        path = hub.try_to_load_from_cache(published.repository, filename)
        if isinstance(path, str):
            return Path(path)
    return None


def fetch_weights(published: PublishedNetwork, name: str) -> Steps[Path]:
    """The weights file, from the hub's cache or downloaded into the home folder; ended, it goes on at the next try.

    ModelError where it cannot be had.
    """
    cached = find_cached_weights(published)
    if cached is not None:
        return cached
    with _translate_faults(name):
        remote, suffix = _locate_file(published)
        file_id = remote.sha256 or hashlib.sha256(remote.url.encode()).hexdigest()
        target = find_download_folder() / (file_id + suffix)
        if not target.exists():
            yield from fetch_file(remote, target, f"The weights of {name}")
    return target


def find_download_folder() -> Path:
    """The folder of weights on their way into a model: in the chosen folder of models, else in the home folder."""
    home, models = find_home_folder(), find_models_folder()
    return (home if models == home / MODELS_FOLDER else models) / "downloads"


def read_licence(repository: str) -> str | None:
    """The licence that the repository states, in short; None where it states none or is out of reach."""
    try:
        with _translate_faults(repository):
            data = hub.model_info(repository, timeout=ANSWER_SECONDS).card_data
    except ModelError:
        return None
    return str(data.get("license_name") or data.get("license")) if data and data.get("license") else None


def _locate_file(published: PublishedNetwork) -> tuple[RemoteFile, str]:
    """The first of the files that the repository has, and the ending of its name."""
    for filename in published.filenames:
        try:
            found = hub.get_hf_file_metadata(hub.hf_hub_url(published.repository, filename), timeout=ANSWER_SECONDS)
        except hub.errors.EntryNotFoundError:
            continue
        sha256 = found.etag if found.etag and len(found.etag) == 64 else None  # others are git's hashes
        return RemoteFile(found.location, int(found.size or 0), sha256), Path(filename).suffix
    raise DownloadFailed("its repository holds no weights")


@contextmanager
def _translate_faults(name: str) -> Iterator[None]:
    """Let the hub's client work, by its cache only where no server answers; its faults become one ModelError."""
    for part in CLIENT_PARTS:
        importlib.import_module(f"huggingface_hub.{part}")
    hub.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    hub.constants.HF_HUB_DISABLE_TELEMETRY = True  # the download the user asked for, and nothing else
    was_offline = hub.constants.HF_HUB_OFFLINE
    hub.constants.HF_HUB_OFFLINE = was_offline or not _server_answers(hub.constants.ENDPOINT)
    try:
        yield
    except ModelError:
        raise
    except DownloadFailed as error:
        raise ModelError(
            "The weights of {name} could not be downloaded: {error}. {advice}",
            name=name,
            error=error,
            advice=_advise(name),
        ) from error
    except Exception as error:  # the hub's client and its transport raise dozens of unrelated classes
        raise ModelError(
            "The weights of {name} could not be downloaded: is the network on? {advice}",
            name=name,
            advice=_advise(name),
        ) from error
    finally:
        hub.constants.HF_HUB_OFFLINE = was_offline


def _advise(name: str) -> str:
    architecture = "ARCHITECTURE" if is_hub_name(name) else name
    return tr(
        "Give a local file instead: --model {architecture} --weights FILE.safetensors.", architecture=architecture
    )


def _server_answers(address: str) -> bool:
    """Whether a server answers soon, with any status. The hub's own client would try for 50 seconds."""
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=ANSWER_SECONDS).close()
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True
