"""Weights that a hub serves: their repository, found in the hub's cache on this computer, or downloaded on request."""

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import huggingface_hub as hub

from indexer.errors import ModelError
from indexer.paths import find_home_folder
from indexer.progress import Steps
from indexer.trust.downloads import DownloadFailed, RemoteFile, fetch_file

HUB_PREFIX = "hf-hub:"
WEIGHT_NAMES = ("model.safetensors", "pytorch_model.bin")
OPEN_CLIP_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
CLIP_SIZES = {(384, 12): "small", (768, 12): "base", (1024, 24): "large", (1280, 32): "huge", (1408, 40): "giant"}
ANSWER_SECONDS = 15
# Of a network's description in a hub: what timm may be told about its input, and what changes nothing for embeddings.
INPUT_FIELDS = ("input_size", "mean", "std", "crop_pct", "interpolation", "fixed_input_size")
HARMLESS_OPTIONS = {"num_classes", "in_chans", "img_size", "pretrained", "drop_rate", "drop_path_rate"}


class PublishedNetwork(NamedTuple):
    """A network in a hub: timm's name of its architecture, what its input is, where its weights lie.

    `input_fields` go over timm's own configuration of the architecture; one of `filenames` is there. `licence` is None
    where it is not known without asking the hub.
    """

    architecture: str
    input_fields: dict[str, Any]
    repository: str
    filenames: tuple[str, ...] = WEIGHT_NAMES
    licence: str | None = None


def is_hub_name(name: str) -> bool:
    """Whether a network is named by its repository, as in hf-hub:OWNER/NAME."""
    return name.startswith(HUB_PREFIX)


def read_published_network(name: str) -> PublishedNetwork:
    """What the repository of hf-hub:OWNER/NAME says of its network, from the hub's cache or the hub.

    It is described for timm or for open_clip. ModelError where it cannot be had or built as timm builds it.
    """
    repository = name.removeprefix(HUB_PREFIX)
    with _translate_faults(name):
        try:
            return _describe_for_timm(_read_description(repository, "config.json"), repository)
        except (hub.errors.EntryNotFoundError, hub.errors.LocalEntryNotFoundError):
            return _describe_for_open_clip(_read_description(repository, "open_clip_config.json"), repository)


def _read_description(repository: str, filename: str) -> dict[str, Any]:
    path = hub.hf_hub_download(repository, filename)
    fields: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return fields


def _describe_for_timm(fields: dict[str, Any], repository: str) -> PublishedNetwork:
    config = fields.get("pretrained_cfg", fields)
    options = sorted(set(fields.get("model_args") or {}) - HARMLESS_OPTIONS)
    if options or "architecture" not in fields:
        reason = f"is built with the option {options[0]!r}" if options else "is none of timm's"
        raise ModelError(f"The network in {repository} {reason}, which is not supported.")
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
    return PublishedNetwork(str(architecture), {"input_size": (3, size, size), **given}, repository, OPEN_CLIP_NAMES)


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
    """The folder in the home folder of weights on their way into a model."""
    return find_home_folder() / "downloads"


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
    hub.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    hub.constants.HF_HUB_DISABLE_TELEMETRY = True  # the download the user asked for, and nothing else
    was_offline = hub.constants.HF_HUB_OFFLINE
    hub.constants.HF_HUB_OFFLINE = was_offline or not _server_answers(hub.constants.ENDPOINT)
    try:
        yield
    except ModelError:
        raise
    except DownloadFailed as error:
        raise ModelError(f"The weights of {name} could not be downloaded: {error}. {_advise(name)}") from error
    except Exception as error:  # the hub's client and its transport raise dozens of unrelated classes
        raise ModelError(
            f"The weights of {name} could not be downloaded: is the network on? {_advise(name)}"
        ) from error
    finally:
        hub.constants.HF_HUB_OFFLINE = was_offline


def _advise(name: str) -> str:
    architecture = "ARCHITECTURE" if is_hub_name(name) else name
    return f"Give a local file instead: --model {architecture} --weights FILE.safetensors."


def _server_answers(address: str) -> bool:
    """Whether a server answers soon, with any status. The hub's own client would try for 50 seconds."""
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=ANSWER_SECONDS).close()
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True
