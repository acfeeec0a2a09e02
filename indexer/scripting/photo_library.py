"""The Library of scripts and notebooks: `from indexer import Library`.

    from indexer import Library
    library = Library.create("herbarium.library")
    library.index("photos", labelled=True)
    library.search("leaf.jpg", k=8)
    library.label("Acer campestre", ["leaf.jpg"])
    library.identify("other.jpg").label
    library.verify("leaf.jpg", "other.jpg").verdict
    library.duplicates("near")
    library.cluster()

Every picture may be named by its path, as text too, by the id of a photo or the photo itself, or be a Pillow image.
Faults are LookalikeError with a sentence. Work that takes long runs to its end here; Ctrl-C stops it, what was done is
kept, and the next call goes on from there.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, Union

from indexer.clustering.photo_clusters import update_clusters
from indexer.database.filters import Filter
from indexer.duplicates.duplicate_groups import find_duplicates
from indexer.indexing.roots import require_folders
from indexer.indexing.run import IndexReport
from indexer.library import Library
from indexer.matching.identification import IdentificationResult, identify_label
from indexer.matching.identity import enrol_photos
from indexer.models.installation import parse_model_choice
from indexer.progress import drain
from indexer.ranking.text_ranking import LibraryWords
from indexer.scripting.index_runs import IndexRequest, generate_runs
from indexer.scripting.notebook_views import PhotoList, PicturedClusters, PicturedGroups, PicturedSearch, PicturedWords
from indexer.search.query import CroppedExample, Query, QueryExample
from indexer.search.results import Photo
from indexer.statistics.calibration import PairComparison

if TYPE_CHECKING:
    from PIL.Image import Image

Place = str | os.PathLike[str]
Picture = Union[Place, int, Photo, "Image", CroppedExample]
"""A picture: its path, the id of a photo or the photo, a Pillow image, or a part of one of these."""


class PhotoLibrary(Library):
    """A library whose questions and work are one call each; its answers show their pictures in a notebook."""

    def __init__(self, folder: Place) -> None:
        super().__init__(Path(folder))
        self._words = LibraryWords(self)

    @classmethod
    def open(cls, folder: Place) -> Self:
        """Open an existing library. Raises LibraryError where there is none or it cannot be opened."""
        return super().open(Path(folder))

    @classmethod
    def create(cls, folder: Place) -> Self:
        """Open a library, or make one where there is none. Raises LibraryError where the folder holds other things."""
        return super().create(Path(folder))

    def index(
        self,
        *folders: Place,
        labelled: bool = False,
        model: Place | None = None,
        exclude: Iterable[str] = (),
    ) -> IndexReport:
        """Embed what is new in the folders, or without one in all that the library knows; what was found and what not.

        With `labelled` the sub-folders of the folders are classes. `model` is what `lookalike index --model` takes: a
        short name, a network of timm, or the folder of a checkpoint. `exclude` are patterns of names to leave out.
        Raises LookalikeError where a folder is none, or another program is at work on the library.
        """
        paths = tuple(Path(folder) for folder in folders)
        require_folders(self.folder, paths)
        choice = None if model is None else parse_model_choice(os.fspath(model))
        request = IndexRequest(paths, labelled=labelled, excluded=tuple(exclude))
        with self.store.take_job_lock():
            return drain(next(generate_runs(self, request, choice, "auto")))

    def list_photos(self, within: Filter | None = None) -> PhotoList:
        """The photos by folder and name, or those of them that pass a filter, as in Filter(label="rose")."""
        return PhotoList(self.load_photos(self.find_photo_ids(within).tolist()), self.read_thumbnail)

    def search(
        self,
        query: Query | Picture | Sequence[Picture],
        *,
        k: int = 50,
        exact: bool = False,
        within: Filter | None = None,
        max_distance: float | None = None,
    ) -> PicturedSearch:
        """The k photos nearest to a picture, to several together, or to a Query, which also has what to be unlike.

        Hits are ordered by exact distance, 0 (the same picture) to 2. Raises LookalikeError where a picture cannot be
        read.
        """
        wanted = query if isinstance(query, Query) else Query(tuple(map(as_example, _list_pictures(query))))
        found = PicturedSearch(*super().search(wanted, k=k, exact=exact, within=within, max_distance=max_distance))
        found.read_picture = self.read_thumbnail
        return found

    def search_words(
        self, words: str, not_words: str = "", *, k: int = 50, within: Filter | None = None
    ) -> PicturedWords:
        """The k photos that show the words of the first text and not those of the second, by what the model saw.

        Raises LookalikeError for a word that is not known.
        """
        found = self._words.answer_words((words, not_words), k, within=within)
        pictured = PicturedWords(*found)
        pictured.read_picture = self.read_thumbnail
        return pictured

    def label(self, label: str, pictures: Iterable[Place]) -> int:
        """Give the photos with the contents of these files a label; how many they are. Nothing is trained.

        Raises LookalikeError where a file is not in the library or cannot be read, or the text is no label.
        """
        return enrol_photos(self, label, [Path(picture) for picture in pictures])

    def identify(self, picture: Picture, *, max_fmr: float | None = None) -> IdentificationResult:
        """Which label a picture has by the labelled photos; `.label` is None where it is unknown.

        Raises LookalikeError where nothing is labelled, or where `max_fmr`, the share of strangers that may be taken
        for known (0 to 1), is less than the labels can show.
        """
        return identify_label(self, as_example(picture), max_fmr=max_fmr)

    def verify(self, one: Picture, other: Picture, *, max_fmr: float | None = None) -> PairComparison:
        """Whether two pictures are the same, at a false-match rate of at most `max_fmr` (0 to 1; by default 0.01).

        Raises LookalikeError where a picture cannot be read, or the pairs cannot show so small a rate.
        """
        return self.verify_pair(as_example(one), as_example(other), max_fmr=max_fmr)

    def duplicates(
        self, kind: str = "copies", *, turned: bool = False, max_distance: float | None = None
    ) -> PicturedGroups:
        """Groups of photos that are there more than once: of kind "copies", "near", "alike" or "blank".

        `turned` finds near copies also where they are turned or mirrored. Raises LookalikeError for another kind.
        """
        return PicturedGroups(drain(find_duplicates(self, kind, turned=turned, max_distance=max_distance)), self)

    def cluster(self, method: str | None = None, number: int = 0) -> PicturedClusters:
        """The groups that the photos form by themselves, without labels: `method` is "kmeans" or "density".

        `number` is that of the groups, or with "density" the least photos of one; 0 lets the method choose. Raises
        LookalikeError where the library is empty or the method unknown.
        """
        found = PicturedClusters(*drain(update_clusters(self, method, number)))
        found.library = self
        return found


def as_example(picture: Picture) -> QueryExample:
    """The picture as an example of a query."""
    if isinstance(picture, Photo):
        return picture.id
    return Path(picture) if isinstance(picture, str | os.PathLike) else picture


def _list_pictures(query: Picture | Sequence[Picture]) -> Sequence[Picture]:
    """The pictures of a query; the ones that are tuples themselves are one picture each."""
    is_one = isinstance(query, Photo | CroppedExample) or not isinstance(query, Sequence) or isinstance(query, str)
    return [query] if is_one else query  # type: ignore[return-value, list-item]
