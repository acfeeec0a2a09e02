"""The duplicates page: groups of photos that are there more than once, and what the user decides about them.

`found_groups` is the page without widgets: it has the groups found by a child process, remembers which photos are to
be kept and which pairs are no match, and takes decisions back. Read it first. `removal` says what becomes of the rest:
rules that mark what to keep, the plan, the trash and the way back. `page` has the controls, `groups_view` the table of
groups with a tile for each photo, `tile_caption` what stands below it, `rejected_pairs` the dialog with all pairs said
to be no match, `removal_dialog` the list of what may go.

Groups are found, files moved to the trash and put back by `lookalike duplicates` (indexer.duplicates). Nothing happens
to a file but what the user has reviewed in that list and asked for.
"""
