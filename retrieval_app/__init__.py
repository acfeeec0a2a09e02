"""The window, and the `lookalike` command.

    app             puts everything together: application, theme, session, window, hooks
    session         the state: methods in, signals out; opens the library, searches, indexes, remembers
      jobs          long work: child processes that speak JSON lines, threads that read the library
    window          menus, toolbar, page, status line; wires the widgets to the session
      search_page   query_panel | results_view with its grid | details_panel
    tiles           photo facts and pixmaps, read by threads, kept within bounds

Signals go one way: a widget calls a method of the session, the session says what changed, the widgets read it again.
The window's thread reads no file and runs no search. No machine learning is imported here; torch not even indirectly.
"""

from importlib.metadata import version

__version__ = version("lookalike")
