"""Arithmetic on unit vectors: distances, an approximate index, projections.

`unit_vectors` scales to unit length. `distances` is the only place that computes distances of embeddings: exactly, or
fast and rounded. `annoy_index` is the only door to Annoy, which proposes candidates, and `recall` measures how many of
the true nearest it finds and with which effort. `projection` has PCA and t-SNE, `principal_space` the few directions in
which a library's photos differ most, `class_metric` a linear map that draws photos of one class together.

Read `distances` first. Everything takes and gives numpy arrays: nothing here knows a library, a photo or a model, and
everything is the same for the same seed.
"""
