"""All threads and child processes of the window, so that its own thread reads no file and waits for nothing.

What writes much or takes long is a child process that runs a command of this program: `child_process` speaks with it in
JSON lines, `job_state` measures how it is doing and `job_wording` says so. `library_job` is the one job at work, on the
open library or on one that was left; `folder_watch` is the child that indexes what changes in the open library's
folders between two jobs.

What only takes a moment runs in threads that open the library for themselves (`library_thread`): `readers` answer the
newest question first and may drop older ones, `writer` writes in order and drops nothing. `query_preparation` asks a
reader for one picture of a long query after the other. `generator_thread` runs a generator that needs no open library.
`refusals` decides for all threads what of their errors the user is told, and `garbage_collector` has none of them end
an object of the window, and the memory of pictures given back.

Nothing here knows a widget, a page or the session.
"""
