"""The training itself: from pictures and settings to the network of the best epoch.

`recipes.py` decides how much of the network is trained and makes a FeatureSource of the photos, with the outputs of the
frozen part, which `backbone_split.py` cuts off, kept by `frozen_features.py`. `head_start.py` is what the head begins
with, `learner.py` one step, and both embeddings of pictures; `fit.py` is all steps, epoch by epoch, and what is done
when a training goes wrong. `divided_learners.py` lets parts of the embedding learn from parts of the pictures.
`head_refit.py` fits the head anew at the end. `validation.py` measures the embeddings after each epoch, `history.py` is
what happened, as plain data, and recognises a collapse. `resume.py` writes down a training at work and takes it up
again. Read `fit.py` first, from top to bottom.

The test part is unknown here: `judging` opens it.
"""
