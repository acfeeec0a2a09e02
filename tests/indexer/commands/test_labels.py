"""`lookalike labels` writes where it may and nowhere else, and says what of a source it could not use."""

import shutil
from pathlib import Path
from typing import Any

from tests.support.commands import Tell
from tests.support.trees import snapshot


def test_labels_are_taken_out_and_in(home: Path, prepared: Any, tell: Tell, tmp_path: Path) -> None:
    before = snapshot(prepared.photos)
    for form, name in (("xmp", "sidecars"), ("links", "classes"), ("coco", "coco.json"), ("fiftyone", "samples.json")):
        said = tell(home, "labels", "export", tmp_path / name, "--as", form, "--label", "a", "--json")
        assert said.result() == {"result": "labels-export", "as": form, "photos": 20, "out": str(tmp_path / name)}
    assert len(list((tmp_path / "classes" / "a").iterdir())) == 20
    table = tmp_path / "labels.csv"
    table.write_text(f"path,label\n{prepared.photos}/a/0000.png,owl\n{prepared.photos}/a/nowhere.png,owl\n")
    said = tell(home, "labels", "import", table)
    assert said.out == "1 label read, 1 of them new.\n1 row is of a file that the library does not hold.\n"
    assert tell(home, "labels", "import", "--sidecars", "--json").result()["labels"] == 0
    assert tell(home, "labels", "import", "--sidecars").out == "No sidecar lies beside these photos.\n"
    assert tell(home, "index", "--sidecars").out.endswith("\n0 labels taken from sidecars.\n")
    assert tell(home, "index", "--sidecars", "--watch").code == 2
    table.write_text("path,label\nx.png,a\ny.png,b\n")
    said = tell(home, "labels", "import", table)
    assert said.out == "0 labels read, 0 of them new.\n2 rows are of files that the library does not hold.\n"
    table.write_text("path,label\n")
    assert tell(home, "labels", "import", table).out == "The table has no rows.\n"
    assert snapshot(prepared.photos) == before


def test_nothing_is_written_among_photos_or_over_what_is_there(
    home: Path, prepared: Any, tell: Tell, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine.json").write_text("{}")
    for form, place in (
        ("xmp", prepared.photos / "out"),
        ("coco", prepared.photos / "out.json"),
        ("folders", tmp_path / "mine"),
        ("coco", tmp_path / "mine.json"),
    ):
        said = tell(home, "labels", "export", place, "--as", form)
        assert (said.code, said.out) == (2, "") and "Choose another" in said.err
    assert tell(home, "labels", "export", "--as", "coco", "--beside-photos").code == 2
    assert tell(home, "labels", "export", "--as", "xmp").code == 2
    assert tell(home, "labels", "import").code == 2
    said = tell(home, "labels", "export", tmp_path / "none", "--as", "xmp", "--label", "no such")
    assert (said.code, said.err) == (2, "No photo has a label there, so nothing was written.\n")
    shutil.rmtree(tmp_path / "mine")
    assert not (tmp_path / "none").exists()
