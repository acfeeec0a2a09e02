"""What the fixtures of the fine-tuning dialog make, for tests to name."""

from collections.abc import Callable
from typing import Any

from retrieval_app.fine_tuning.dialog import TrainDialog

MakeDialog = Callable[[list[str]], TrainDialog]  # from the command of the child
FinishTraining = Callable[[dict[str, Any]], TrainDialog]  # from the result that the child reports
