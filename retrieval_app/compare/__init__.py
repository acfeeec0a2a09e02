"""Two pictures side by side: same, different or not sure, with the error rate and where they match.

`comparison` reads from the library what a comparison needs: the pixels of both pictures, the verdict, the distances
of labelled pairs, the heat maps. Read it first; it has no widgets. `page` shows that, with zoom and pan locked between
both pictures, and `distance_plot` draws where the pair stands among the labelled pairs.

The page belongs to no menu: the search page shows it for a query and a result. The verdict and its error rates come
from indexer.statistics, the heat maps from indexer.reports; nothing is computed or stored here.
"""
