"""What a training corrects: losses over whole batches, and the pairs and triplets they look at.

A loss is an nn.Module that takes embeddings (n, dim) and labels (n,) and gives one number and the statistics of the
batch (`loss_value.py`). `distances.py` makes the table of distances (n, n), `mining.py` chooses pairs or triplets from
it, `losses.py` weighs them: contrastive and triplet losses in all their forms, and the dict LOSSES of everything there
is. `siamese.py` is the one loss with a network of its own; `adapter.py` brings in the losses and miners of
pytorch-metric-learning and is the only place that imports it.

What each is called, its margins and the miners it takes stand in `settings/choices.py`, which needs no torch.
"""
