"""Where a file holds another picture now, what was said of the old one is listed and can be given to another photo."""

import zlib
from collections.abc import Callable
from pathlib import Path

from tests.support.commands import Said
from tests.support.trees import paint

Tell = Callable[..., Said]


def add_text(png: bytes) -> bytes:
    """The PNG with a text chunk, as a program writes that adds a keyword; the picture stays as it is."""
    chunk = b"tEXtComment\0a keyword"
    checksum = zlib.crc32(chunk).to_bytes(4, "big")
    return png[:33] + (len(chunk) - 4).to_bytes(4, "big") + chunk + checksum + png[33:]


def test_index_says_to_which_files_words_were_carried(home: Path, tell: Tell, tmp_path: Path) -> None:
    path = paint(tmp_path / "more" / "0.png", 100, side=60)
    tell(home, "index", path.parent)
    tell(home, "label", "rex", path)
    path.write_bytes(add_text(path.read_bytes()))
    result = tell(home, "index", "--json").result()
    assert (result["carried"], result["replaced"]) == ([{"path": str(path), "how": "the same pixels"}], 0)
    assert (result["changed"], result["embedded"]) == (1, 1)
    assert tell(home, "search", path, "--json").result()["hits"][0]["label"] == "rex"
    path.write_bytes(add_text(path.read_bytes()))
    said = tell(home, "index").out.splitlines()
    assert said[2:] == ["What you said was carried over to 1 changed file:", f"  {path}: the same pixels", *said[4:]]


def test_replaced_photo_is_listed_everywhere_and_its_words_are_carried_by_hand(
    home: Path, tell: Tell, tmp_path: Path
) -> None:
    path = paint(tmp_path / "more" / "0.png", 100)
    other = paint(tmp_path / "more" / "1.png", 101)
    tell(home, "index", path.parent)
    tell(home, "label", "rex", path)
    paint(path, 300)
    result = tell(home, "index", "--json").result()
    assert (result["carried"], result["replaced"]) == ([], 1)
    assert "1 photo of which you said something has no file any more" in tell(home, "index").out
    assert tell(home, "info", "--json").result()["replaced"] == 1
    assert "1 photo with words of yours has no file any more" in tell(home, "info").out
    assert tell(home, "check", "--json").result()["replaced"] == 1
    assert "1 photo with words of yours has no file any more" in tell(home, "check").out
    (photo,) = tell(home, "replaced", "--json").result()["photos"]
    assert (photo["label"], photo["decisions"], photo["searches"], photo["path"]) == ("rex", 0, 0, str(path))
    assert f"label rex  (was {path})" in tell(home, "replaced").out
    said = tell(home, "replaced", "--carry-over", str(photo["photo"]), other, "--json")
    assert (said.code, said.result()) == (0, {"result": "replaced", "photos": [], "carried": 1})
    assert tell(home, "search", other, "--json").result()["hits"][0]["label"] == "rex"
    assert tell(home, "info", "--json").result()["replaced"] == 0


def test_words_that_cannot_be_carried_are_refused_with_a_sentence(home: Path, tell: Tell, tmp_path: Path) -> None:
    path = paint(tmp_path / "more" / "0.png", 100)
    other = paint(tmp_path / "more" / "1.png", 101)
    tell(home, "index", path.parent)
    tell(home, "label", "rex", path)
    tell(home, "label", "fido", other)
    paint(path, 300)
    tell(home, "index")
    (photo,) = tell(home, "replaced", "--json").result()["photos"]
    number = str(photo["photo"])
    said = tell(home, "replaced", "--carry-over", number, other)
    assert (said.code, said.out) == (2, "")
    assert "has another label" in said.err
    assert "no replaced photo of number 9999" in tell(home, "replaced", "--carry-over", "9999", other).err
    stranger = paint(tmp_path / "stranger.png", 400)
    assert "is no photo of this library" in tell(home, "replaced", "--carry-over", number, stranger).err
    assert "There is no file" in tell(home, "replaced", "--carry-over", number, tmp_path / "nothing.png").err
    assert len(tell(home, "replaced", "--json").result()["photos"]) == 1
