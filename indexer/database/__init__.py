"""What a library knows: one database, and every SQL statement about it.

What is committed survives a kill and a power cut; everything else in a library's folder can be derived from it again.

`interface` is what a database can do; it is a file (`sqlite`), or lies on a server that several computers share
(`postgresql`): `shared_folder` tells which. `store` opens it and holds the three objects through which an index run
writes: `file_table` (roots and files), `embedding_table` (photos, embeddings, failures) and `model_table` (models,
generations, settings); a `file_batch` is what it writes at once. `annotations` is what the user has said: labels,
decisions, saved searches; `forgetting` is what goes when the user forgets. `filters`, `contents` and `photo_orders`
only ask.

Read `sqlite.schema` first, then `interface` and `store`. Nothing here opens a photo, runs a model or knows what a
search is.
"""
