"""The course's comparisons: losses, sizes, miners ... under one budget, with several seeds, beside simple baselines.

`variants.py` says what each study compares, as settings and without torch; `trials.py` runs every variant under every
seed and measures it; `baselines.py` are pixels, PCA, LDA and a classifier, which a learned metric has to beat;
`ensemble.py` divides the photos among several small models and joins their embeddings. `study_report.py` makes of the
result intervals over seeds, a table, JSON and a page. Read in that order.

A study trains nothing for use: its networks are measured and thrown away.
"""
