"""The state that all pages share: the opened library, the search in it and the job on it. No widgets.

Read `session` first: it owns these objects and wires them. `opened_library` knows folder, facts and failures and
notices what other processes commit (`snapshot`). `searching` is the search in it: the query, what narrows and orders
its results, and what is found. `change_history` is what the user has said and changed, to be undone. `session_job`
indexes, watches and runs the commands of `library_commands`. `question_job` runs a command that only reads, beside the
job. `trouble` is what the user is told when something is wrong.

`tiles` turns photos into pixmaps, `photo_selection` says which of a listing are selected, `settings` remembers the
window, and `system_open` opens files and folders with the system's own programs.

Methods go in, signals come out: who changes something calls a method, and everybody reads the attributes again when a
signal says so. Nothing here waits: reading, writing and jobs are left to `retrieval_app.workers`.
"""
