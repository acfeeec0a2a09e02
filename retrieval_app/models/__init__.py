"""The page Models: what the library sees with, what it could see with, and trainings that can go on.

`model_shelf` is the page without widgets: it reads the list in a thread and runs what changes it as child processes.
`shelf_rows` says each row in words. `details_pane` shows the chosen row with what can be done about it, `page` puts the
table above it.

To use a model, to rename and to delete one are jobs of the session, as indexing is. A training that goes on is the
window's: the page asks for it.
"""
