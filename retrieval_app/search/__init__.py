"""The search page: a query on the left, photos in the centre, what is known of the current photo on the right.

`page` puts the three panes together and is the file to read first. `query_panel` shows what is searched for: the
picture with its crop, `mark_rows` with the pictures marked more or less like it, `ranking_switches` for other orders
and `identity_panel` for the vote of the nearest labelled photos. `results_view` shows what was found, in a grid,
narrowed by `filter_bar` (`no_match` stands where nothing is left) and by `likeness_cut`; `order_menu` sorts and groups
the whole library, `search_state_line` tells how far a long question is. `details_panel` has the figures of one photo.
`saved_searches` keeps queries by name, and `empty_library` is what a library without photos shows instead of all that.

Nothing is searched or stored here: the session does that, and this page listens to its signals. A photo is seen large,
and compared with the query, in the viewer, which the window opens.
"""
