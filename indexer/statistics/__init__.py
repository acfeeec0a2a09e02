"""Figures of embeddings and labels, and how sure they are: arrays in, figures out.

How good an embedding is: `metrics` (retrieval, same or different, differences with their intervals) over `tied_ranks`
(what a ranking with ties is expected to show) and `query_groups` (near copies and frames of a burst left out), and
`detailed_metrics` for what stands behind the single figures.
How sure it is: `error_rates` (shares with intervals over classes), `cross_validation` (folds that part no group),
and `logistic` (the probability of a yes, from few answers).
What a distance means: `calibration` (probability, rarity, cut-offs), `calibration_measurement`, which measures it, and
`likeness`, the one scale of words and sentences in which everything else says it.

Read `metrics` first, then `error_rates`, then `calibration`. Formulas name their paper; scipy and scikit-learn are
imported only where a figure needs them. Nothing here knows a library, a photo file or a model.
"""
