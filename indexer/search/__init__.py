"""From a query to the photos nearest to it, and what their distances mean in a library.

    query                 what is asked: pictures to be like and unlike, weights, crops; their combined vector
    examples              the embedding of one picture of a query, stored or computed now
    allowed_photos        which photos may be found: present ones that pass a filter
    server_candidates     what the server of a shared library proposes, where this computer has no search files
    searcher              the candidates nearest to a vector among the photos that may be found
    results               what comes out: photos, ranked hits, and how they were found
    generations           the published search files that make it fast, verified before each use
    base_model            what an instant model was fitted on, so that it can be fitted again without some photos
    library_calibration   from a distance to a probability: what it is measured on, and when it is measured again

Read in this order. The rooms `search`, `ranking` and `matching` differ in what they answer. This one finds candidates,
and `Library.search` puts its parts together and orders them by exact distance: nothing else counts. `ranking` takes
that answer and orders it by more than distance. `matching` decides whether photos belong together. Those two build on
`Library`; the modules here work on a Store and an Embedder, and know no Library.
"""
