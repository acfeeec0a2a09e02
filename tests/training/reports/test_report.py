import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.models.card import REPORT_DATA_FILE
from indexer.progress import drain
from tests.support.commands import Tell
from tests.support.html_pages import parse
from tests.support.quick_training import Trained
from training.reports.report import render_report

HOSTILE = "</td><script src='http://example.org/x.js'>&\"'"


@pytest.fixture
def checkpoint(trained: Trained, tmp_path: Path) -> Path:
    """A copy whose files may be changed; its pictures are where they were, and few points are to be arranged."""
    folder = shutil.copytree(trained.result.checkpoint, tmp_path / "copy")
    kept = json.loads((folder / REPORT_DATA_FILE).read_text())
    few = {side: [*kept[side][:-1], kept[side][-1][:7]] for side in ("before", "after")}
    change(folder / REPORT_DATA_FILE, **few)
    return folder


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_the_page_is_whole_stands_alone_and_says_what_the_verdict_says(trained: Trained) -> None:
    page = parse(drain(render_report(trained.result.checkpoint)).decode())
    assert page.faults == []
    judged = trained.result.verdict
    for said in (judged.why, f"{judged.after.figures.map_at_r:.3f}", f"{judged.before.figures.p_at_1:.3f}"):
        assert said in page.words
    for heading in ("Before and after", "What this rests on", "Distances", "plane", "Each class", "Settings"):
        assert heading in page.words
    for label in {sample.label for sample in trained.result.parts.test}:
        assert label in page.words
    parts = trained.result.parts
    assert f"learned from {len(parts.train):,} other pictures" in page.words
    assert f"best epoch by {len(parts.validation):,} more" in page.words
    assert "1 pictures could not be read" in page.words
    assert page.elements.count("svg") == 4 + 2 + 2  # curves, histograms, pictures in the plane


def mistake_of(trained: Trained) -> list[Any]:
    """A mistake as it is kept, of pictures that are there."""
    shown = [[sample.path.decode(), sample.sha256.hex()] for sample in trained.result.parts.test[:3]]
    return ["one", "other", *shown, 0.25, 0.75]


def test_the_hardest_confusions_are_shown_as_pictures(trained: Trained, checkpoint: Path) -> None:
    change(checkpoint / REPORT_DATA_FILE, mistakes=[mistake_of(trained)])
    page = parse(drain(render_report(checkpoint)).decode())
    assert page.elements.count("img") == 3
    assert "0.250" in page.words
    assert page.faults == []


def test_pictures_that_are_gone_or_changed_are_said_so_and_no_others_shown(trained: Trained, checkpoint: Path) -> None:
    mistake = mistake_of(trained)
    mistake[2][0] += ".gone"
    mistake[3][1] = "00" * 32
    change(checkpoint / REPORT_DATA_FILE, mistakes=[mistake])
    page = parse(drain(render_report(checkpoint)).decode())
    assert page.elements.count("img") == 1
    assert "is no longer there" in page.words
    assert "has changed since the training" in page.words


def test_no_name_is_obeyed(trained: Trained, checkpoint: Path) -> None:
    kept = json.loads((checkpoint / REPORT_DATA_FILE).read_text())
    mistake = mistake_of(trained)
    mistake[0], mistake[2][0] = HOSTILE, f"/nowhere/{HOSTILE}"
    classes = [[HOSTILE, *row[1:]] for row in kept["per_class"]]
    after = [HOSTILE, *kept["after"][1:]]
    names = [HOSTILE for _ in kept["classes"]]
    kinds = [[HOSTILE, HOSTILE, 3]]
    change(
        checkpoint / REPORT_DATA_FILE, mistakes=[mistake], per_class=classes, after=after, classes=names, kinds=kinds
    )
    change(checkpoint / "training.json", source=HOSTILE, why=HOSTILE, recipe=HOSTILE, config={HOSTILE: HOSTILE})
    text = drain(render_report(checkpoint)).decode()
    page = parse(text)
    assert page.faults == []
    assert "<script" not in text
    assert page.words.count(HOSTILE) >= 8


@pytest.mark.parametrize(
    ("name", "key"), [("training.json", "epochs"), ("training.json", "after"), (REPORT_DATA_FILE, "before")]
)
def test_a_damaged_story_is_refused_in_a_sentence(checkpoint: Path, name: str, key: str) -> None:
    for damage in (None, 5, [[1]], "text"):
        change(checkpoint / name, **{key: damage})
        with pytest.raises(LookalikeError, match="does not tell a whole training"):
            drain(render_report(checkpoint))


def test_a_checkpoint_of_an_earlier_version_is_reported_as_far_as_it_goes(checkpoint: Path) -> None:
    (checkpoint / REPORT_DATA_FILE).unlink()
    page = parse(drain(render_report(checkpoint)).decode())
    assert page.faults == []
    assert "An earlier version made this checkpoint" in page.words


def test_the_command_writes_the_page_into_the_checkpoint(checkpoint: Path, tmp_path: Path, tell: Tell) -> None:
    said = tell(tmp_path / "home", "report", checkpoint, "--json")
    assert said.code == 0, said.err
    assert Path(said.result()["page"]) == checkpoint / "report.html"
    assert parse((checkpoint / "report.html").read_text()).faults == []
    assert tell(tmp_path / "home", "report", tmp_path).err.count("is no checkpoint of a training") == 1


def test_no_page_is_written_below_a_root(checkpoint: Path, tmp_path: Path, tell: Tell) -> None:
    (tmp_path / "photos").mkdir()
    with Library.create(tmp_path / "home" / "x.library") as library:
        library.store.files.add_root(bytes(tmp_path / "photos"), labelled=False)
    said = tell(tmp_path / "home", "report", checkpoint, "--out", tmp_path / "photos" / "page.html")
    assert said.code == 2
    assert "lies in a photo folder" in said.err
    assert list((tmp_path / "photos").iterdir()) == []
