"""Find pictures that look alike: the engine, without a window and without training.

A library is a folder of its own, never among photos: `library.sqlite` is the truth (`database`), everything else in it
can be derived again. `indexing` walks the photo folders, reads new files through the only door to them (`photos`),
embeds them with a model that was converted once to run without torch (`models`), commits batch by batch, and publishes
write-once search files. `Library.search` turns a Query into a vector, takes Annoy's candidates and the later embeddings
(`search`), and ranks what is present by exact distance. `ranking` and `matching` are other questions to a library,
`reports` what it shows, `scripting` the short door for Python, `commands` the command line; `vectors` and `statistics`
are arithmetic that knows no library. Long work is a generator of Progress (`progress`); faults
are sentences (`errors`).

    from indexer import Library
    with Library.create("herbarium.library") as library:
        library.index("photos", labelled=True)
        library.search("leaf.jpg", k=8)  # a notebook shows the pictures; .hits has the photos and their distances
        library.identify("leaf.jpg").label
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer.scripting.photo_library import PhotoLibrary as Library
    from indexer.search.query import Query

__all__ = ["Library", "Query"]

__version__ = "0.1.0"  # as in pyproject.toml; asking the installed package took as long as a tenth of a bare window


def __getattr__(name: str) -> object:
    """Library or Query, imported at its first use: the window is seen before the engine is loaded."""
    if name == "Library":
        from indexer.scripting.photo_library import PhotoLibrary  # noqa: PLC0415  # as this function says

        return PhotoLibrary
    if name == "Query":
        from indexer.search.query import Query  # noqa: PLC0415  # as this function says

        return Query
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
