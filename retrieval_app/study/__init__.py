"""The dialog Study of the page Evaluate: the course's comparisons, chosen, watched and read without a terminal.

`study_job` is the dialog without widgets: what to compare and on which pictures, the study in a child process, its
result and its page. Read it first, then `study_plan`: what can be compared, and how many trainings that takes.
`dialog` is the window with its buttons; its pages are `choose_page`, `running_page` and `result_page`. `lazy_study`
is what the page Evaluate knows: it imports the dialog, and pyqtgraph with it, only when that is opened.

The study itself is `lookalike study`, in training.studies. Nothing in the library changes.
"""
