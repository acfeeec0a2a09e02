"""Model > Choose a model: which models there are, made ready here, compared on the user's own photos, and used.

`model_rows` reads what the command `model list` tells and says it in sentences. `model_job` runs one command about a
model at a time as a child process. `dialog` is the table with what can be done about the chosen row.

Nothing here changes the library: to use a model is a job of the session, as indexing is.
"""
