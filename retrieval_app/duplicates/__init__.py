"""The duplicates page: groups of photos that are there more than once, and what the user decides about them.

`found_groups` is the page without widgets: it has the groups found by a child process, remembers which photos are to
be kept and which pairs are no match, and takes decisions back. Read it first. `page` has the controls, `groups_view`
the table of groups with a tile for each photo, `rejected_pairs` the dialog with all pairs said to be no match.

Groups are found by `lookalike duplicates` in indexer.matching. No file is ever deleted, moved or changed: the user
copies the paths of what is not to be kept, and decides elsewhere.
"""
