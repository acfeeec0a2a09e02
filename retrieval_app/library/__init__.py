"""The library page: which folders the open library has, what could not be read and why, and its figures.

`page` puts it together, with the switch that watches the folders. `roots_pane` is the table of folders and what can be
done with one: open it, say where it has moved, leave something in it out (`left_out_dialog`), forget it, after the
question of `forgetting_dialog`. `failures_pane` is the table of files that could not be used, each with its reason, and
what was passed over. `facts` is the panel of figures: contents, model, error rates, search index.

Everything shown comes from `session.library`, which reads it again whenever the library changes. The page changes a
library only through `session.library_commands`, and never a picture.
"""
