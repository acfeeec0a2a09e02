"""What a library knows: one SQLite database, library.sqlite, and every SQL statement about it.

What is committed survives a kill and a power cut; everything else in a library's folder can be derived from it again.

`schema` has the tables and their migrations, `connection` the one way to open, guard and commit them. `store` opens a
library's database and holds the three objects through which an index run writes: `file_table` (roots and files),
`embedding_table` (photos, embeddings, failures) and `model_table` (models, generations, settings). `annotations` is
what the user has said: labels, decisions, saved searches; `forgetting` is what goes when the user forgets. `filters`,
`contents` and `photo_orders` only ask.

Read `schema` first, then `connection` and `store`. Nothing here opens a photo, runs a model or knows what a search is.
"""
