"""The window, and the `lookalike` command.

`commands` puts the command line together, `cli` starts it; `app` puts the window together and is where to begin:
application, theme, session, window, and the hooks that report a bug. The rooms, from the bottom up:

    wording             numbers as the window shows them
    widgets             parts that know Qt and no session
    workers             threads and child processes that know no widget
    session             the opened library, the search in it, the job on it: what all pages share
    grid, actions       the tiles of photos, and what can be done with photos
    charts              curves and histograms
    preferences         what the user can set, and the dialog of it
    viewer              one photo large, alone or beside the query's picture
    search, duplicates, map, evaluation, library, fine_tuning
                        a page each, with its parts, that knows no other page
    study               the dialog of the page Evaluate
    help                the guide, the tour, the keys
    tool_bar            the bar at the head of the window
    window              menus, toolbar and status line around the pages

Signals go one way: a widget calls a method of the session, the session says what changed, the widgets read it again.
The window's thread reads no file and runs no search. No machine learning is imported here; torch not even indirectly.
"""

from indexer import __version__ as __version__
