"""Learn from labelled folders what "alike" means, and say honestly whether it helped.

A folder whose sub-folders are classes (data.py) is divided by content into a part to learn from, one to choose by and
one to judge by (split.py). The pretrained network (learner.py) sees batches of P classes x K photos (sampler.py), each
picture a little changed (augment.py); miners (mining.py) choose the pairs or triplets that a loss (losses.py) corrects.
Validation before the first step and after each epoch keeps the best state and chooses between the head's embedding and
the backbone's (fit.py); the test part alone says whether that is better than before (verdict.py). What can be set
stands once, in config.py and choices.py; loop.py puts it together; checkpoint.py writes it down.

    from training.settings.config import TrainConfig
    from training.train import train
    result = drain(train(TrainConfig(epochs=6), folder, out))
"""
