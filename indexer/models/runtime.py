"""The converted form of a model: an OpenVINO network of its own, made once, checked, and run without torch.

The only door to OpenVINO. `runtime.json` says which form runs, why, how far it agrees with torch, and the hash of each
file: a form that does not match is never run. `installation` makes the form, `agreement` checks it, `model` loads it.
Compiled blobs are not kept: loading one saves 70 of 300 ms, but nothing vouches for its contents.
"""

import hashlib
import json
import os
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from cachetools import LRUCache, cached

from indexer.errors import ModelError
from indexer.models.card import CARD_LIMIT, HeadTensors, ModelCard, read_json, read_regular
from indexer.paths import show_path
from indexer.trust.signatures import compute_signature, is_signed_here

RUNTIME_FILE = "runtime.json"
SIGNATURE_FILE = "runtime.signature"  # this computer's, of the bytes of runtime.json
_SIGNED_PURPOSE = "runtime form"
SIGNATURE_LIMIT = 1 << 10  # bytes; one has 64
XML_FILE = "openvino.xml"
BIN_FILE = "openvino.bin"
XML_LIMIT = 1 << 28  # bytes; the largest network of timm has about 10 MB
BIN_LIMIT = 8 << 30
OUTPUT_NAMES = ("embedding", "features")
UNIT_EPSILON = 1e-24  # of the square of a length, below which a vector is not scaled
OPENVINO_PRECISIONS = {"bf16": "bf16", "fp32": "f32"}  # our word: OpenVINO's


class NotConverted(ModelError):
    """The converted form is missing or damaged; `installation.install_model` makes it again from the weights."""


@dataclass(frozen=True, slots=True)
class RetrievalByPrecision:
    """MAP@R over `pictures` labelled pictures, each a query for its class, computed in fp32 and in bf16.

    `seen` counts the pictures that were left out because the model was trained on them.
    """

    pictures: int
    fp32: float
    bf16: float
    seen: int = 0


@dataclass(frozen=True, slots=True)
class TorchAgreement:
    """Lowest cosines between converted form and torch over `count` pictures, by precision, and the mean one of bf16.

    `pictures` says in words what they show; `found` is the retrieval in both precisions, None where not measured.
    """

    pictures: str
    count: int
    fp32: float
    bf16: float | None = None
    bf16_mean: float | None = None
    found: RetrievalByPrecision | None = None


@dataclass(frozen=True, slots=True)
class RuntimeForm:
    """The content of `runtime.json`: how the model with this fingerprint runs.

    `runtime` is "openvino" or "torch", `why` a sentence, `precision` the fastest that agrees with torch, `files` the
    sha256 of each converted file.
    """

    fingerprint: str
    runtime: str
    why: str
    precision: str = "fp32"
    agreement: TorchAgreement | None = None
    files: dict[str, str] = field(default_factory=dict)


class ModelRunner(NamedTuple):
    """Functions from a batch uint8 (n, size, size, 3) to embeddings (n, dim) and to feature maps (n, c, h, w)."""

    embed: Callable[[np.ndarray], np.ndarray]
    features: Callable[[np.ndarray], np.ndarray]
    precision: str


def convert_network(network: Any, example_batch: Any, folder: Path) -> dict[str, str]:
    """Convert a torch network to files in `folder`: dynamic batch, fixed height and width, fp32. Returns their sha256.

    ModelError where OpenVINO cannot express the network.
    """
    openvino = import_openvino()
    shape = [-1, *example_batch.shape[1:]]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing warns about every constant it finds
            traced = _trace_network(network, example_batch)
            converted = openvino.convert_model(traced, example_input=example_batch, input=shape)
        for output, name in zip(converted.outputs, OUTPUT_NAMES, strict=True):
            output.get_tensor().set_names({name})
        openvino.save_model(converted, folder / XML_FILE, compress_to_fp16=False)
    except Exception as error:  # the converter raises whatever the traced code does
        raise ModelError("OpenVINO cannot express this network: {line}", line=_first_line(error)) from error
    return _hash_converted(folder)


def append_head(base: Path, form: RuntimeForm, head: HeadTensors, folder: Path) -> dict[str, str]:
    """Write the converted form of the base, whose own is `form`, with a linear head on its unit-length embeddings to
    files in `folder`. Returns their sha256.

    NotConverted where a file of the base is damaged.
    """
    openvino = import_openvino()
    operations = openvino.opset13
    network = openvino.Core().read_model(*(_read_checked(base, form, name) for name in (XML_FILE, BIN_FILE)))
    unit, features = (network.output(name).get_node().input_value(0) for name in OUTPUT_NAMES)
    projected = operations.matmul(unit, operations.constant(head.weight), False, True)
    shifted = operations.add(projected, operations.constant(head.bias))
    headed = operations.normalize_l2(shifted, operations.constant(np.array([1])), UNIT_EPSILON, "max")
    unit.get_tensor().set_names(set())
    headed.output(0).get_tensor().set_names({OUTPUT_NAMES[0]})
    derived = openvino.Model([headed.output(0), features], network.get_parameters(), "headed")
    openvino.save_model(derived, folder / XML_FILE, compress_to_fp16=False)
    return _hash_converted(folder)


def _hash_converted(folder: Path) -> dict[str, str]:
    return {name: _compute_sha256((folder / name).read_bytes()) for name in (XML_FILE, BIN_FILE)}


def _trace_network(network: Any, example_batch: Any) -> Any:
    """The network as OpenVINO reads it, traced once: by default torch traces it twice to compare, a third of the time
    of an installation, though `agreement` compares the embeddings anyway.
    """
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # noqa: PLC0415

    return TorchScriptPythonDecoder(network, example_input=example_batch, trace_kwargs={"check_trace": False})


def write_form(form: RuntimeForm, folder: Path) -> None:
    """Write the form as `runtime.json`, signed by this computer."""
    data = (json.dumps(asdict(form), indent=2) + "\n").encode()
    (folder / RUNTIME_FILE).write_bytes(data)
    (folder / SIGNATURE_FILE).write_text(compute_signature(_SIGNED_PURPOSE, data))


def read_form(folder: Path, card: ModelCard) -> RuntimeForm:
    """The form in `runtime.json`; NotConverted where it is missing, damaged, of another model or computer.

    A converted network is run without being understood, so it must have been made on this computer, or have come with
    the program.
    """
    try:
        form = _parse_form(read_json(folder / RUNTIME_FILE))
    except (ModelError, ValueError, TypeError) as error:
        raise NotConverted(
            "{folder} is missing or damaged. Install the model again.", folder=show_path(folder / RUNTIME_FILE)
        ) from error
    if form.fingerprint != card.fingerprint:
        raise NotConverted(
            "{folder} belongs to another model. Install the model again.", folder=show_path(folder / RUNTIME_FILE)
        )
    if not _is_signed_here(folder) and folder.parent.resolve() != find_carried_folder().resolve():
        raise NotConverted(
            "The model in {folder} was prepared on another computer. Install it again.", folder=show_path(folder)
        )
    return form


def find_carried_folder() -> Path:
    """The folder of the models that came with the program: LOOKALIKE_MODELS, else a place below its own prefix."""
    chosen = os.environ.get("LOOKALIKE_MODELS")
    return Path(chosen) if chosen else Path(sys.prefix) / "share" / "lookalike" / "models"


def _is_signed_here(folder: Path) -> bool:
    """Whether this computer has signed the `runtime.json` in the folder."""
    try:
        signature = read_regular(folder / SIGNATURE_FILE, SIGNATURE_LIMIT).decode("ascii", "replace")
        return is_signed_here(signature, _SIGNED_PURPOSE, read_regular(folder / RUNTIME_FILE, CARD_LIMIT))
    except ModelError:
        return False


def check_files(folder: Path, form: RuntimeForm) -> None:
    """Raise NotConverted where a converted file is missing or not the one that `runtime.json` names."""
    for name in form.files:
        _read_checked(folder, form, name)


def open_form(folder: Path, form: RuntimeForm, callers: int = 1, precision: str | None = None) -> ModelRunner:
    """A runner of the converted files for `callers` threads at once, which share the cores.

    `precision` None means the one that agreed with torch at installation. The bytes that were hashed are those that
    run. NotConverted where a file is damaged or OpenVINO refuses it.
    """
    xml, weights = (_read_checked(folder, form, name) for name in (XML_FILE, BIN_FILE))
    try:
        options = _build_compile_options(import_openvino().Core(), form, callers, precision)
        compiled = _compile_network(form, options, xml, weights)
        used_precision = "bf16" if "bf" in compiled.get_property("INFERENCE_PRECISION_HINT").to_string() else "fp32"
    except (RuntimeError, TypeError, ValueError) as error:
        raise NotConverted(
            "OpenVINO refuses {folder}: {line}", folder=show_path(folder / XML_FILE), line=_first_line(error)
        ) from error
    thread_requests = threading.local()  # a request of its own for each calling thread

    def run_batch(batch: np.ndarray, output: str) -> np.ndarray:
        if not hasattr(thread_requests, "request"):
            thread_requests.request = compiled.create_infer_request()
        request = thread_requests.request
        request.infer([np.ascontiguousarray(batch)])
        result: np.ndarray = request.get_tensor(output).data.astype(np.float32)  # a copy: the next batch writes there
        return result

    return ModelRunner(
        lambda batch: run_batch(batch, "embedding"), lambda batch: run_batch(batch, "features"), used_precision
    )


def _make_network_key(form: RuntimeForm, options: dict[str, str | int], xml: bytes, weights: bytes) -> tuple[Any, ...]:
    """What tells compiled networks apart: the hashes of the bytes, which have been checked, and the options."""
    return form.files[XML_FILE], form.files[BIN_FILE], *sorted(options.items())


@cached(LRUCache(maxsize=1), key=_make_network_key, lock=threading.Lock())
def _compile_network(form: RuntimeForm, options: dict[str, str | int], xml: bytes, weights: bytes) -> Any:
    """The network of the bytes that have the hashes in `form`, compiled; the last one is kept.

    So another library with the same model, or the same one opened again, is asked a tenth of a second sooner.
    """
    core = import_openvino().Core()
    return core.compile_model(core.read_model(xml, weights), "CPU", options)


def import_openvino() -> Any:
    """The OpenVINO module without its telemetry, which would send usage events at import and at conversion."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type] # None: the import fails, its stub steps in
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import openvino  # noqa: PLC0415  # half a second: only where a model runs

        # OpenVINO sets up numpy with its first array, and two threads that do so at once wait for each other for ever.
        _ = openvino.Tensor(np.zeros(1, np.float32)).data
        return openvino


def fast_precision() -> str:
    """The fastest precision of this processor: "bf16" where it computes in that, else "fp32"."""
    return "bf16" if "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "fp32"


def _build_compile_options(core: Any, form: RuntimeForm, callers: int, precision: str | None) -> dict[str, str | int]:
    """OpenVINO's options for `callers` streams, in fp32 where this processor does not compute in bf16."""
    used_precision = precision or form.precision
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        used_precision = "fp32"  # made on another machine
    options: dict[str, str | int] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": OPENVINO_PRECISIONS[used_precision],
    }
    return options | ({"NUM_STREAMS": callers} if callers > 1 else {})


def _read_checked(folder: Path, form: RuntimeForm, name: str) -> bytes:
    """The bytes of a converted file; NotConverted where they do not have the hash that the form states."""
    try:
        data = read_regular(folder / name, XML_LIMIT if name == XML_FILE else BIN_LIMIT)
    except ModelError as error:
        raise NotConverted(str(error)) from error
    if _compute_sha256(data) != form.files.get(name):
        raise NotConverted("{folder} is damaged. Install the model again.", folder=show_path(folder / name))
    return data


def _parse_form(fields: dict[str, Any]) -> RuntimeForm:
    """The form of the fields of `runtime.json`, each checked; ValueError or TypeError where one is wrong."""
    form = RuntimeForm(**fields | {"agreement": _parse_agreement(fields.get("agreement"))})
    words = (form.fingerprint, form.runtime, form.why, form.precision)
    if not all(isinstance(word, str) for word in words) or not isinstance(form.files, dict):
        raise TypeError("a field has the wrong type")
    if form.runtime not in ("openvino", "torch") or form.precision not in OPENVINO_PRECISIONS:
        raise ValueError("an unknown runtime or precision")
    if form.files.keys() != ({XML_FILE, BIN_FILE} if form.runtime == "openvino" else set()):
        raise ValueError("not the files of this runtime")
    return form


def _parse_agreement(fields: dict[str, Any] | None) -> TorchAgreement | None:
    if fields is None:
        return None
    if not isinstance(fields, dict):
        raise TypeError("its agreement is no table")
    found = fields.get("found")
    return TorchAgreement(**fields | {"found": None if found is None else RetrievalByPrecision(**found)})


def _compute_sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
