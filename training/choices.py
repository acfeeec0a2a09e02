"""What can be chosen for a training, in words and numbers, without torch.

The command line's help and the window's dialog are made from these tables, so this file (and `config.py`) must stay
cheap to import. Each name here has its code elsewhere: losses in `losses.py`, miners in `mining.py`; a test holds the
two sides together. A new loss is one class there, one line in its LOSSES, and one entry here.
"""

from typing import NamedTuple

PURPOSES: dict[str, str] = {
    "images": "New pictures of the classes in this folder: every class is trained and tested on pictures left out.",
    "classes": "New classes: whole classes are kept out of the training and the test asks about those only.",
}

RECIPES: dict[str, str] = {
    "full": "Train the whole network: the strongest and the slowest way.",
}

PRESETS: dict[str, str] = {
    "tuned": "Settings that train well in practice.",
    "lecture": "The form of the lecture notes: margin 1, the plain mean over all pairs or triplets of a batch.",
}

MINERS: dict[str, str] = {
    "all": "Every pair or triplet of the batch.",
    "hard": "For each photo only its farthest match and its nearest mismatch; strong, but can collapse.",
    "semi-hard": "For each matching pair the nearest mismatch that is farther away than the match.",
    "semi-hard-all": "Every triplet whose mismatch is farther than the match, but by less than the margin.",
}


class Preset(NamedTuple):
    """One set of a loss's own settings; `average` is "all" or "active" (see `losses.py`)."""

    margin: float
    miner: str
    average: str


class LossChoice(NamedTuple):
    """A loss in words, the miners it takes, and its settings for each of PRESETS."""

    help: str
    miners: tuple[str, ...]
    presets: dict[str, Preset]


# The tuned triplet margin is FaceNet's 0.2 (Schroff et al. 2015, section 3.2). The tuned contrastive one is measured:
# Fashion-MNIST at 64 px, 5,000 pictures, pretrained lite0, three epochs, one seed, validation MAP@R: 0.6 0.737, the
# notes' 1 0.722; averaged over "active" pairs 0.657 (margin 0.5). Lecture: margin 1 on unit vectors, mean over all.
LOSSES: dict[str, LossChoice] = {
    "contrastive": LossChoice(
        "Pairs: matches are pulled together, mismatches nearer than the margin are pushed apart.",
        ("all", "hard", "semi-hard"),
        {"tuned": Preset(0.6, "all", "all"), "lecture": Preset(1.0, "all", "all")},
    ),
    "triplet": LossChoice(
        "Triplets: a photo has to be nearer to its match than to a mismatch, by at least the margin.",
        ("all", "hard", "semi-hard", "semi-hard-all"),
        {"tuned": Preset(0.2, "semi-hard-all", "active"), "lecture": Preset(1.0, "all", "all")},
    ),
}
