"""What a library shows to people and gives to other programs.

`evaluation` measures how well a model finds pictures of the same class in a labelled folder; `raw_pixels` is what
every table of its figures begins with, an embedder without a network. `model_comparison` puts two models before a
library's own photos. `heat_maps` shows where two pictures match, `photo_map` lays all photos out in a plane.
`contact_sheet` writes photos as one picture or one
HTML page, `export` writes photos, hits, maps and embeddings as files, `photo_copies` copies photo files to a folder.
`picture_file` is how a picture is written, `palette` the colours of classes on maps and in charts.

Names and labels come from anywhere: each writer escapes them for the program that will open its file. Everything is
written whole or not at all (`indexer.atomic`). Where a file may be written is decided by `places` and asked by the
commands, not here; the pages about a training are `training.reports`.
"""
