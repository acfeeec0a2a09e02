"""All that can be set about a training, without torch.

`choices.py` are the names to choose from (purposes, recipes, losses, miners, distances ...) with a line of help each,
and the settings that suit a loss or a purpose. `setting_rule.py` says what is known of one setting. `config.py` is
TrainConfig, frozen and checked, whose fields are the command's options and the dialog's editors. `cost.py` estimates
how long a training takes on this computer, and so which recipe the choice "auto" stands for.

What a name stands for in code lives elsewhere, in dicts with the same keys; a test holds the two sides together.
"""
