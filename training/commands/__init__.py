"""The commands of training: `lookalike train`, `report` and `study`, one file each, named like the command.

They read options, call one function of the rooms below and print what it returns; the options of `train` are made from
the fields of TrainConfig. Importing them imports no torch, so that `lookalike --help` starts at once.
"""
