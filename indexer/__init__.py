"""Find pictures that look alike: the engine, without a window and without training.

A library is a folder beside no photo: `library.sqlite` is the truth (store.py), everything else in it can be derived
again. `indexing.index` walks the roots (scan.py), opens what is new through the only door to photo files (photos.py),
embeds it in a bounded pipeline (pipeline.py) with a model converted once to run without torch (installation.py,
model.py, runtime.py), commits batch by batch, and publishes write-once search files (generations.py).
`Library.search` turns a Query into a vector, takes Annoy's candidates and the exact tail (searcher.py), and ranks what
is present by exact distance. Long work is a generator of Progress (progress.py); faults are sentences (errors.py).

    from indexer import Library, Query
    with Library.open(folder) as library:
        for hit in library.search(Query((Path("cat.jpg"),))).hits: ...
"""

from importlib.metadata import version

from indexer.library import Library
from indexer.search.query import Query

__all__ = ["Library", "Query"]

__version__ = version("lookalike")
