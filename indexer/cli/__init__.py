"""How commands speak and what their options have in common; the commands themselves are in `commands`.

`terminal` runs the steps of a long work, prints progress and results for people or as JSON lines for programs, handles
Ctrl-C, and turns every fault into one sentence and an exit code. `options` holds the options and argument types that
several commands share, and the check that an output file costs the user nothing; `filter_options` has those that say
which photos a command is about.

Commands of the packages above use this room too (`training.commands`, `retrieval_app.commands`). It opens no library
and loads no model itself.
"""
