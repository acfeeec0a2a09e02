"""Answers of a library that a notebook shows with their pictures; elsewhere they are the plain values.

The pictures are read when they are shown. Names and labels are foreign text, which the template escapes.
"""

from collections.abc import Callable, Sequence

from indexer.clustering.photo_clusters import PhotoClusters, name_clusters
from indexer.duplicates.duplicate_groups import DuplicateGroup
from indexer.library import Library
from indexer.paths import show_file_name
from indexer.ranking.word_ranking import WordResult
from indexer.reports.contact_sheet import SheetCell, build_figure
from indexer.search.results import Photo, SearchResult
from indexer.wording import count_noun

MOST_PICTURES = 60  # in one answer: some 700 KB in the notebook's file
VIEW_TEMPLATE = """<p>{{ title }}</p>
<div style="display: flex; flex-wrap: wrap; gap: 12px">
{%- for figure in figures %}
<figure style="margin: 0; width: 140px; font-size: 12px; overflow-wrap: anywhere">
{%- if figure.jpeg %}<img style="max-width: 140px; max-height: 140px" alt="{{ figure.name }}" title="{{ figure.name }}"
 src="data:image/jpeg;base64,{{ figure.jpeg }}">
{%- else %}<div>{{ figure.reason }}</div>{% endif -%}
<figcaption>{{ figure.title }}<br><small>{{ figure.label }}</small></figcaption></figure>
{%- endfor %}
</div>"""

PictureReader = Callable[[Photo], bytes | None]


class PicturedSearch(SearchResult):
    """A search's result, shown as its pictures in order with distances and labels."""

    read_picture: PictureReader

    def _repr_html_(self) -> str:
        cells = [
            _make_cell(hit.photo, f"{hit.rank}   {hit.distance:.3f}", self.read_picture)
            for hit in self.hits[:MOST_PICTURES]
        ]
        return render_view(cells, len(self.hits), "photo")


class PicturedWords(WordResult):
    """What was found by words, shown as its pictures in order with the reason for each."""

    read_picture: PictureReader

    def _repr_html_(self) -> str:
        cells = [_make_cell(hit.photo, hit.why, self.read_picture) for hit in self.hits[:MOST_PICTURES]]
        return render_view(cells, len(self.hits), "photo")


class PhotoList(list[Photo]):
    """Photos, shown as their pictures with their names and labels."""

    def __init__(self, photos: Sequence[Photo], read_picture: PictureReader) -> None:
        super().__init__(photos)
        self.read_picture = read_picture

    def _repr_html_(self) -> str:
        cells = [_make_cell(photo, show_file_name(photo.path), self.read_picture) for photo in self[:MOST_PICTURES]]
        return render_view(cells, len(self), "photo")


class PicturedGroups(list[DuplicateGroup]):
    """Groups of duplicates, shown as the pictures of each group."""

    def __init__(self, groups: Sequence[DuplicateGroup], library: Library) -> None:
        super().__init__(groups)
        self.library = library

    def _repr_html_(self) -> str:
        return "".join(f"{self._show_group(group)}\n" for group in self[: MOST_PICTURES // 2])

    def _show_group(self, group: DuplicateGroup) -> str:
        photos = self.library.load_photos(group.photos)
        cells = [
            _make_cell(photo, show_file_name(photo.path), self.library.read_thumbnail)
            for photo in photos[:MOST_PICTURES]
        ]
        return render_view(cells, len(group.files), "file")


class PicturedClusters(PhotoClusters):
    """Groups of photos that lie together, shown as the photo in the middle of each, with its size and name."""

    library: Library

    def _repr_html_(self) -> str:
        names = name_clusters(self, self.library.annotations.read_labels(self.library.model_id))
        shown = {photo.id: photo for photo in self.library.load_photos(self.middles.tolist())}
        rows = list(zip(self.middles.tolist(), self.count_photos(), names, strict=True))[:MOST_PICTURES]
        cells = [
            SheetCell(
                shown[photo_id].path,
                count_noun(count, "photo"),
                name,
                thumbnail=self.library.read_thumbnail(shown[photo_id]),
            )
            for photo_id, count, name in rows
            if photo_id in shown
        ]
        return render_view(cells, len(self.middles), "group")


def _make_cell(photo: Photo, title: str, read_picture: PictureReader) -> SheetCell:
    return SheetCell(photo.path, title, photo.label or "", thumbnail=read_picture(photo))


def render_view(cells: Sequence[SheetCell], count: int, noun: str) -> str:
    """HTML of the cells with their pictures inside it, under a heading of `count` and what is counted."""
    from jinja2 import Environment  # noqa: PLC0415 (it takes 0.1 s to import, and only notebooks need it)

    template = Environment(autoescape=True).from_string(VIEW_TEMPLATE)
    return template.render(title=count_noun(count, noun), figures=[build_figure(cell) for cell in cells])
