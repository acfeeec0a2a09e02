"""The search in the open library: what is looked for, what narrows and orders it, and the listing that comes of it.

`photo_search` is the search, and what to read first. Its query stands in a `query_history`; `marks` is the arithmetic
of more and less like this. `search_conditions` holds what stays from query to query: filter, words, cut-off, ranking,
and the photos left out. `photo_listing` is what the grid shows, and how a reader thread finds it.
"""
