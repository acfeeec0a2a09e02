"""Sidecars hold the label where other programs look for it, and all that they held before."""

import json
import subprocess
from pathlib import Path

import pytest

from indexer.errors import LookalikeError
from indexer.exchange.xmp_sidecars import SidecarKeywords, read_keywords, write_label

OF_ANOTHER_PROGRAM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 5.5.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <!-- kept -->
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:darktable="http://darktable.sf.net/" xmp:Rating="4" darktable:history_end="3">
   <dc:subject><rdf:Bag><rdf:li>holiday</rdf:li><rdf:li>Übersee</rdf:li></rdf:Bag></dc:subject>
   <darktable:history><rdf:Seq><rdf:li darktable:operation="exposure"/></rdf:Seq></darktable:history>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()


def ask_exiftool(sidecar: bytes, folder: Path) -> dict[str, object]:
    path = folder / "a.jpg.xmp"
    path.write_bytes(sidecar)
    said = subprocess.run(
        ["exiftool", "-json", "-G1", "-struct", "-charset", "utf8", str(path)], capture_output=True, check=True
    )
    fields: dict[str, object] = json.loads(said.stdout)[0]
    return fields


def test_a_new_sidecar_is_read_by_another_program(tmp_path: Path) -> None:
    fields = ask_exiftool(write_label("Größe <1> & |/"), tmp_path)
    assert fields["XMP-dc:Subject"] == ["Größe <1> & |/"]
    assert fields["XMP-lr:HierarchicalSubject"] == ["Lookalike|Größe <1> & |/"]
    assert fields["XMP-digiKam:TagsList"] == ["Lookalike/Größe <1> & |/"]


def test_what_another_program_wrote_stays(tmp_path: Path) -> None:
    before = ask_exiftool(OF_ANOTHER_PROGRAM, tmp_path)
    after = ask_exiftool(write_label("owl", OF_ANOTHER_PROGRAM), tmp_path)
    assert after.pop("XMP-dc:Subject") == ["holiday", "Übersee", "owl"]
    assert before.pop("XMP-dc:Subject") == ["holiday", "Übersee"]
    ours = {"XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList"}
    stamps = {name for name in after if name.startswith(("System:", "SourceFile", "ExifTool:"))}
    assert {name: after[name] for name in after.keys() - ours - stamps} == {
        name: before[name] for name in before.keys() - stamps
    }
    assert b"<!-- kept -->" in write_label("owl", OF_ANOTHER_PROGRAM)
    assert b'darktable:operation="exposure"' in write_label("owl", OF_ANOTHER_PROGRAM)


def test_a_label_takes_the_place_of_the_one_before_and_nothing_else() -> None:
    first = write_label("owl", OF_ANOTHER_PROGRAM)
    assert read_keywords(first) == SidecarKeywords("owl", ("holiday", "Übersee", "owl"))
    assert read_keywords(write_label("hawk", first)) == SidecarKeywords("hawk", ("holiday", "Übersee", "hawk"))
    assert read_keywords(write_label(None, first)) == SidecarKeywords(None, ("holiday", "Übersee"))
    assert write_label("owl", first) == first


def test_a_keyword_of_the_user_is_not_taken_away_with_a_label() -> None:
    """That the user has the keyword already is not known afterwards: it goes with the label that has its name."""
    assert read_keywords(write_label("holiday", OF_ANOTHER_PROGRAM)).keywords == ("holiday", "Übersee")


def test_levels_of_keywords_are_read_by_their_last() -> None:
    text = OF_ANOTHER_PROGRAM.replace(b"holiday", b"x").replace(
        b"<dc:subject>",
        b'<lr:hierarchicalSubject xmlns:lr="http://ns.adobe.com/lightroom/1.0/"><rdf:Bag><rdf:li>Animals|Birds|Owl</rdf:li>'
        b"</rdf:Bag></lr:hierarchicalSubject><dc:subject>",
    )
    assert read_keywords(text).keywords == ("x", "Übersee", "Owl")


@pytest.mark.parametrize(
    "sidecar",
    [
        b"",
        b"\xff\xd8\xff",
        b"<html/>",
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
        OF_ANOTHER_PROGRAM[:300],
        OF_ANOTHER_PROGRAM.replace(b"?>\n<x", b'?>\n<!DOCTYPE x [<!ENTITY a "b">]>\n<x', 1),
        OF_ANOTHER_PROGRAM + b" " * (5 << 20),
        b'<?xml version="1.0" encoding="nothing"?><a/>',
    ],
    ids=range(8),
)
def test_what_is_no_sidecar_is_refused(sidecar: bytes) -> None:
    with pytest.raises(LookalikeError, match="no XMP sidecar"):
        read_keywords(sidecar)
    with pytest.raises(LookalikeError, match="no XMP sidecar"):
        write_label("owl", sidecar)
