"""Pictures to try the program on: the bundled sample, and Fashion-MNIST as labelled folders."""

from pathlib import Path


def assets_folder() -> Path:
    """The folder of icons, theme and sample pictures: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"


def sample_folder() -> Path:
    """The folder of the bundled sample pictures, one sub-folder per class."""
    return assets_folder() / "sample"
