"""The fine-tuning dialog: choose labelled pictures and settings, watch the training, judge its result.

`training_job` is the dialog without widgets: the source, the training in a child process, its outcome. Read it first,
then `training_progress`: what the child has reported, and how long it will take. `dialog` is the window with its
buttons. Its three pages are in `dialog_pages` (choose, with `source_row`, `plan_rows`, `settings_form` and
`source_summary`; running, with charts) and in `verdict_view`, whose sentences are in `verdict_wording`. `report_job`
has the page about a training made. `lazy_dialog` is what the main window knows: it imports the dialog, and pyqtgraph
with it, only when that is opened.

The training itself is `lookalike train`, and the record of it is read by training.judging.record. Nothing in the
library changes until the user chooses the new model.
"""
