"""Whether this installation works: the main job on the sample pictures, each step through the door that users take.

All lies in a temporary home folder. The commands run as children, which start the decoder's sandbox as their own, so
that a program that was frozen into a bundle shows here whether it can start itself.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from indexer.errors import LookalikeError
from indexer.own_process import build_command
from indexer.photos.samples import find_sample_folder
from indexer.wording import count_noun, tr

WINDOW_SECONDS = 300  # at most, for the window to find
POLL_SECONDS = 0.02


class SelfTestStep(NamedTuple):
    """One thing that was tried: what it was, and what came of it."""

    name: str
    outcome: str
    seconds: float


def run_self_test() -> Iterator[SelfTestStep]:
    """Try each part in turn. Raises LookalikeError with what went wrong in the first one that does not work."""
    with tempfile.TemporaryDirectory(prefix="lookalike-self-test-") as name:
        home = Path(name)
        trials: dict[str, Callable[[Path], str]] = {
            "index the sample": _index_sample,
            "search by a picture": _search_picture,
            "search by a word": _search_word,
            "find what is there twice": _find_duplicates,
            "rank by the labels": _rank_by_labels,
            "train at once": _train_instantly,
            "use what was learned": _use_model,
            "open the window and click": _click_in_window,
        }
        for trial, attempt in trials.items():
            start = time.monotonic()
            outcome = attempt(home)
            yield SelfTestStep(trial, outcome, time.monotonic() - start)


def _run_child(home: Path, *arguments: str | Path) -> Any:
    """What a command of this program prints as JSON. Raises LookalikeError with its sentence where it fails."""
    words = build_command(*map(str, arguments), "--json")
    environment = os.environ | {"LOOKALIKE_HOME": str(home)}
    child = subprocess.run(words, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    if child.returncode:
        raise LookalikeError(
            child.stderr.strip()
            or tr("`{words}` ended with code {returncode}.", words=" ".join(words), returncode=child.returncode)
        )
    return json.loads(child.stdout.splitlines()[-1])  # progress before it


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise LookalikeError(sentence)


def _list_sample_pictures() -> list[Path]:
    return sorted(find_sample_folder().rglob("*.png"))


def _index_sample(home: Path) -> str:
    report = _run_child(home, "index", find_sample_folder(), "--labelled")
    expected = len(_list_sample_pictures())
    _require(
        report["embedded"] == expected,
        tr("{embedded} of {expected} pictures were embedded.", embedded=report["embedded"], expected=expected),
    )
    return count_noun(expected, "picture")


def _search_picture(home: Path) -> str:
    picture = _list_sample_pictures()[0]
    hits = _run_child(home, "search", picture, "-k", "5")["hits"]
    _require(
        hits[0]["path"] == str(picture) and hits[0]["distance"] == 0, tr("A picture is not the nearest to itself.")
    )
    return tr("the nearest other one is {distance:.3f} away", distance=hits[1]["distance"])


def _search_word(home: Path) -> str:
    hits = _run_child(home, "search", "--words", "bird", "-k", "5")["hits"]
    right = sum(hit["label"] == "birds" for hit in hits)
    _require(right > 0, tr("The word bird finds no bird."))
    return tr("{right} of the first 5 are birds", right=right)


def _find_duplicates(home: Path) -> str:
    return count_noun(len(_run_child(home, "duplicates", "--kind", "near")["groups"]), "group")


def _rank_by_labels(home: Path) -> str:
    taught_by = _run_child(home, "search", _list_sample_pictures()[0], "--by-labels", "-k", "5")["taught_by"]
    _require(taught_by["photos"] > 0, tr("The labels of the sample teach nothing."))
    return tr("taught by {labels}", labels=count_noun(taught_by["photos"], "label"))


def _train_instantly(home: Path) -> str:
    library = home / "default.library"
    result = _run_child(home, "train", "--library", library, "--recipe", "instant", "--out", home / "taught")
    _require(result["verdict"] == "install", tr("Learning from the sample's labels does not help."))
    return tr("the new model is better")


def _use_model(home: Path) -> str:
    library = home / "default.library"
    report = _run_child(home, "use", home / "taught", "--library", library)
    expected = len(_list_sample_pictures())
    _require(report["photos"] == expected, tr("The new model does not see all photos."))
    _run_child(home, "use", "--previous", "--library", library)
    return tr("the library sees with it, and with the one before")


def _click_in_window(home: Path) -> str:
    os.environ["LOOKALIKE_HOME"] = str(home)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from retrieval_app.app import build_application  # only the window needs Qt

    app, window = build_application(["lookalike"])
    window.show()
    search = window.session.search

    def wait_until(holds: Callable[[], bool], sentence: str) -> None:
        end = time.monotonic() + WINDOW_SECONDS
        while not holds():
            _require(time.monotonic() < end, sentence)
            app.processEvents()
            time.sleep(POLL_SECONDS)

    try:
        wait_until(lambda: len(search.listing.ids) > 0, tr("The window does not show the library."))
        first = int(search.listing.ids[0])
        search.toggle_query_photo(first)
        wait_until(lambda: len(search.listing.hits) > 0, tr("The window finds nothing."))
        return tr("{results} shown", results=count_noun(len(search.listing.hits), "result"))
    finally:
        window.close()
