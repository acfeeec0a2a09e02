"""The short door for Python: scripts and notebooks do in a line each what the commands do.

`photo_library` is the Library that `from indexer import Library` gives: that of `indexer.library`, with the work of the
rooms above it as methods. `notebook_views` are its answers with their pictures, as a notebook shows them. `index_runs`
is a whole run of indexing from the model to what is carried over, for this door and for the command.
"""
