"""Prepare the default model once for all libraries of this installation: `python -m indexer.models`, at set-up."""

from indexer.models.installation import ModelChoice, install_model
from indexer.models.runtime import find_carried_folder
from indexer.progress import drain

if __name__ == "__main__":
    card = drain(install_model(ModelChoice(), find_carried_folder()))
    print(f"{card.name} is ready for every library.")
