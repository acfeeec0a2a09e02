"""All threads and child processes of the window, so that its own thread reads no file and waits for nothing.

What writes much or takes long is a child process that runs a command of this program: `child_process` speaks with it in
JSON lines, `job_state` measures how it is doing and `job_wording` says so. `library_job` is the one job that works on
the open library; `folder_watch` is the child that indexes what changes in its folders between two jobs.

What only takes a moment runs in threads that open the library for themselves (`library_thread`): `readers` answer the
newest question first and may drop older ones, `writer` writes in order and drops nothing. `generator_thread` runs a
generator that needs no open library. `refusals` decides for all threads what of their errors the user is told.

Nothing here knows a widget, a page or the session.
"""
