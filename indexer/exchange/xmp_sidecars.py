"""XMP sidecars: the keywords of a photo in a small file beside it, as photo managers read and write them.

A label is written three times, as programs look for it in different places: `dc:subject` (a keyword), Lightroom's
`lr:hierarchicalSubject` and digiKam's `TagsList` (below the tag Lookalike, by which it is known again). Everything else
that a sidecar holds stays as it is. (XMP specification part 1, ISO 16684-1; part 2 has `dc:subject`.)
"""

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import NamedTuple

from indexer.errors import LookalikeError

SIDECAR_SUFFIX = ".xmp"
MOST_BYTES = 4 << 20  # of a sidecar; with a whole editing history they have some hundred thousand
OUR_TAG = "Lookalike"  # the tag above the labels that this program has written

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC = "http://purl.org/dc/elements/1.1/"
LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
DIGIKAM = "http://www.digikam.org/ns/1.0/"
META = "adobe:ns:meta/"
PREFIXES = {"x": META, "rdf": RDF, "dc": DC, "lr": LIGHTROOM, "digiKam": DIGIKAM}
_START = re.compile(rb"<(?![?!])")
_HEADER = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_TRAILER = b'\n<?xpacket end="w"?>\n'
_EMPTY = (
    f'<x:xmpmeta xmlns:x="{META}"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>'
).encode()


class KeywordList(NamedTuple):
    """A list of keywords in XMP: its element, the kind of its container, and what parts the levels of a keyword."""

    tag: str
    container: str
    separator: str  # "" where keywords have no levels


SUBJECTS = KeywordList(f"{{{DC}}}subject", "Bag", "")
LISTS = (
    SUBJECTS,
    KeywordList(f"{{{LIGHTROOM}}}hierarchicalSubject", "Bag", "|"),
    KeywordList(f"{{{DIGIKAM}}}TagsList", "Seq", "/"),
)


class SidecarKeywords(NamedTuple):
    """What a sidecar says of a photo: the label that this program wrote, if any, and all keywords."""

    label: str | None
    keywords: tuple[str, ...]


def read_keywords(sidecar: bytes) -> SidecarKeywords:
    """The keywords of a sidecar. Raises LookalikeError where it is no XMP."""
    root, label, keywords = _parse_sidecar(sidecar), None, dict[str, None]()
    for one in LISTS:
        for text in _list_texts(root, one):
            if one.separator and text.startswith(OUR_TAG + one.separator):
                label = text.removeprefix(OUR_TAG + one.separator)
            else:
                keywords[text.rpartition(one.separator)[2] if one.separator else text] = None
    return SidecarKeywords(label, tuple(keywords))


def write_label(label: str | None, sidecar: bytes | None = None) -> bytes:
    """A sidecar with the label, or without one for None, in the place of the label that this program wrote before.

    Everything else of an earlier sidecar stays. Raises LookalikeError where that is no XMP.
    """
    root = _parse_sidecar(_EMPTY if sidecar is None else sidecar)
    earlier = read_keywords(sidecar).label if sidecar is not None else None
    for one in LISTS:
        if one.separator:
            ours = OUR_TAG + one.separator
            _change_texts(root, one, {text for text in _list_texts(root, one) if text.startswith(ours)}, ours, label)
        else:
            _change_texts(root, one, {earlier} if earlier else set(), "", label)
    return _serialise_sidecar(root, sidecar)


def _parse_sidecar(sidecar: bytes) -> ET.Element:
    if len(sidecar) > MOST_BYTES or b"<!DOCTYPE" in sidecar or b"<!ENTITY" in sidecar:
        raise LookalikeError("This is no XMP sidecar: it is too large, or holds definitions that XMP has none of.")
    builder = ET.TreeBuilder(insert_comments=True, insert_pis=True)
    try:
        for _, (prefix, address) in ET.iterparse(io.BytesIO(sidecar), events=["start-ns"]):
            if not re.fullmatch(r"ns\d+|xml", prefix):  # these the serialiser keeps for itself
                ET.register_namespace(prefix, address)
        root = ET.fromstring(sidecar, ET.XMLParser(target=builder))
    except (ET.ParseError, ValueError, LookupError) as fault:
        raise LookalikeError("This is no XMP sidecar: {fault}.", fault=fault) from None
    if root.find(f".//{{{RDF}}}RDF") is None and root.tag != f"{{{RDF}}}RDF":
        raise LookalikeError("This is no XMP sidecar: it has no rdf:RDF.")
    return root


def _serialise_sidecar(root: ET.Element, earlier: bytes | None) -> bytes:
    """The document between what stood before and behind the earlier one's."""
    for prefix, address in PREFIXES.items():
        ET.register_namespace(prefix, address)
    start = _START.search(earlier) if earlier else None
    header = earlier[: start.start()] if earlier and start else _HEADER
    end = earlier.rfind(b"<?xpacket end") if earlier else -1
    trailer = b"\n" + earlier[end:] if earlier and end >= 0 else (b"\n" if earlier else _TRAILER)
    return header + bytes(ET.tostring(root, encoding="utf-8")) + trailer


def _list_texts(root: ET.Element, one: KeywordList) -> Iterator[str]:
    for item in root.iterfind(f".//{one.tag}//{{{RDF}}}li"):
        if text := (item.text or "").strip():
            yield text


def _change_texts(root: ET.Element, one: KeywordList, replaced: set[str], above: str, label: str | None) -> None:
    """Take out the keywords that are replaced, and add the label with what stands above it, unless it is there."""
    for container in list(root.iterfind(f".//{one.tag}/*")):
        for item in list(container):
            if (item.text or "").strip() in replaced:
                container.remove(item)
    if label is None or above + label in _list_texts(root, one):
        return
    first = root.find(f".//{one.tag}/*")
    ET.SubElement(_make_list(root, one) if first is None else first, f"{{{RDF}}}li").text = above + label


def _make_list(root: ET.Element, one: KeywordList) -> ET.Element:
    """An empty list of keywords in the sidecar's description."""
    rdf = root.find(f".//{{{RDF}}}RDF")
    rdf = root if rdf is None else rdf
    description = root.find(f".//{{{RDF}}}Description")
    if description is None:
        description = ET.SubElement(rdf, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})
    element = root.find(f".//{one.tag}")
    parent = ET.SubElement(description, one.tag) if element is None else element
    return ET.SubElement(parent, f"{{{RDF}}}{one.container}")
