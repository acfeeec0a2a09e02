"""The page Evaluate: how well the library's model finds photos of the same label, and where it goes wrong.

`evaluation_state` is the page without widgets: it reads whether there are labels, and has a child process measure.
Read it first, then `evaluation_report`, which is what the child has found. `page` has the figures and the views below
them: `mistakes_view` with the `confusion_matrix`, whose cells show their photos as `ranked_photos`.
`evaluation_wording` has the sentences.

What is measured is `lookalike evaluate --library`, in indexer.reports.library_evaluation. Work starts only while the
page is visible.
"""
