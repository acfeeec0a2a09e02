"""Print what an edition of the bundle is made of, one requirement a line: python list_requirements.py light|full."""

import re
import sys
import tomllib
from pathlib import Path

TRAINING_PACKAGES = ("opentsne", "pytorch-metric-learning", "scikit-learn", "scipy", "timm", "torch", "torchvision")
EXTRAS = ("heif", "raw")


def list_requirements(edition: str) -> list[str]:
    """The requirements of pyproject.toml; those of the edition light without what only training and new models need."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for extra in EXTRAS for line in project["optional-dependencies"][extra]]
    left_out = TRAINING_PACKAGES if edition == "light" else ()
    return [line for line in (*project["dependencies"], *extras) if _name_package(line) not in left_out]


def _name_package(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


if __name__ == "__main__":
    print(*list_requirements(sys.argv[1]), sep="\n")
