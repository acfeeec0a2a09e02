"""Learn from labelled folders what "alike" means, and measure on other pictures whether it helped.

A folder whose sub-folders are classes is divided by content into a part to learn from, one to choose by and one to
judge by (`data`). The pretrained network sees batches of P classes x K photos; miners choose the pairs or triplets that
a loss corrects (`losses`). Validation before the first step and after each epoch keeps the best state and chooses
between the head's embedding and the backbone's (`fitting`); the test part alone says whether that is better than before
(`judging`). `training_run.py` puts it together; `instant_run.py` and `stepped_run.py` read top to bottom. All that can
be set stands in `settings`; `reports` shows one training as a page, `studies` compares many, `commands` are the command
line.

    from training import TrainConfig, train
    result = drain(train(TrainConfig(epochs=6), folder, out))

Importing this package imports no torch; calling `train` does where steps are taken: a closed form needs none.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from indexer import __version__ as __version__
from indexer.progress import Steps
from training.settings.config import TrainConfig

if TYPE_CHECKING:  # loaded when they are asked for
    from training.data.sources import TrainingSource
    from training.data.split import DataSplit
    from training.judging.result import TrainResult

__all__ = ["TrainConfig", "train"]


def train(
    config: TrainConfig,
    source: "TrainingSource",
    out: Path,
    split: "DataSplit | None" = None,
    *,
    resume: bool = False,
    groups_file: Path | None = None,
) -> "Steps[TrainResult]":
    """Fine-tune on a labelled folder, or on the labels of a library, and write a checkpoint to the folder `out`.

    A `split` given is used instead of the source's own. `groups_file` is a CSV whose groups are not parted, as are no
    near copies and frames of a burst. LookalikeError where the source has too little to learn from or
    `out` cannot take a checkpoint. A training that is closed before its end leaves nothing behind; one that is
    interrupted or killed leaves one file, from which `resume` goes on.
    """
    from training.training_run import run_training  # noqa: PLC0415 (the engine takes a while)

    return run_training(config, source, out, split, resume=resume, groups_file=groups_file)
