"""The commands of the engine, one file for each group of them.

`index` makes and updates a library. `search`, `identify` and `duplicates` ask it; `library_views` and `evaluate` report
on it; `use` gives it another model; `models` is about those that are ready. `maintenance` looks after a library,
`forget` takes out what is not wanted any more, `replaced` looks after what was said of files that have changed. The
program above loads the one that is asked for.

A command parses its arguments, opens the library, runs one function of the rooms below through `cli.terminal`, and
prints what that returns, as text or as one JSON object. Nothing is computed here, so that everything a command does
can also be done from Python. The fields of the JSON objects are an interface for other programs.
"""
