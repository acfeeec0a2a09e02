"""The page Evaluate: how well the library's model finds photos of the same label, and where it goes wrong.

`evaluation_state` is the page without widgets: it reads whether there are labels, and has a child process measure.
Read it first, then `evaluation_report`, which is what the child has found. `page` has the figures (`figure_row`) and
below them a view each: `mistakes_view` with the `confusion_matrix`, whose cells show their photos as `ranked_photos`,
and with the hardest photos; `threshold_view` with its `threshold_plots`; `label_table`; `comparison_view` of two
models, with `model_rivals` behind it. `evaluation_wording` has the sentences, `evaluation_export` writes figures.

What is measured is `lookalike evaluate --library`, in indexer.reports.library_evaluation. Work starts only while the
page is visible.
"""
