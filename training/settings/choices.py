"""What can be chosen for a training, in words and numbers, without torch.

The command line's help and the window's dialog are made from these tables, so this file (and `config.py`) must stay
cheap to import. Each name has its code elsewhere: losses, miners and distances in the room `losses`, recipes in
`fitting/recipes.py`; a test holds the two sides together. A new loss is one function there, one line in its table, and
one entry here.
"""

from typing import NamedTuple

from indexer.wording import tr

PURPOSES: dict[str, str] = {
    "images": tr("New pictures of these classes: every class is trained and tested on pictures left out."),
    "classes": tr("New classes: whole classes are kept out of the training and the test asks about those only."),
}


class PurposeDefaults(NamedTuple):
    """The settings that suit a purpose: the defaults of the fields of TrainConfig with these names."""

    loss: str
    epochs: int
    learning_rate: float
    dim: int
    interpolation: float


# Measured on Fashion-MNIST with the whole network (`tests/benchmarks/bench_training.py`). New pictures of known classes
# gain for eight epochs, and contrastive loss for steps as small as these; for new classes a second pass over thousands
# of pictures only forgets, a head learns the classes it sees, and the weights halfway are the best of both.
PURPOSE_DEFAULTS: dict[str, PurposeDefaults] = {
    "images": PurposeDefaults("triplet", epochs=8, learning_rate=3e-4, dim=128, interpolation=1.0),
    "classes": PurposeDefaults("triplet", epochs=1, learning_rate=3e-4, dim=0, interpolation=0.5),
}

RECIPES: dict[str, str] = {
    "auto": tr("The instant one where there are classes, else unlabelled."),
    "instant": tr("A closed form on the embeddings there are, judged on every picture: seconds."),
    "thorough": tr("The most thorough of the following that this computer ends within minutes."),
    "quick": tr("Train only a layer after the network, on what that says about each picture: seconds."),
    "tail": tr(
        "Train the last stage of the network, on what the stages before say about each picture: a minute or two."
    ),
    "full": tr("Train the whole network: the strongest and the slowest way."),
    "unlabelled": tr(
        "Needs no classes: the whole network learns that views of one picture and frames of one burst belong together."
    ),
}

BUILT_IN, COURSE = "built-in", "course"
BACKBONES: dict[str, str] = {
    BUILT_IN: tr("The network that is built in."),
    COURSE: tr("The small network of the lecture notes for pictures of 28 pixels, trained from nothing."),
}

INITIAL_WEIGHTS: dict[str, str] = {
    "pretrained": tr("Those that the network learned on other pictures; the lecture notes' own network has none."),
    "random": tr("Drawn by chance: the training starts from nothing, and needs many pictures."),
}

POOLINGS: dict[str, str] = {
    "own": tr("As the network does it, mostly by the mean."),
    "gem": tr("By a mean between mean and maximum, whose exponent is learned (Radenovic 2018)."),
    "max": tr("By the strongest answer of all places (Teh et al. 2020, ProxyNCA++)."),
}

HEAD_STARTS: dict[str, str] = {
    "auto": tr("Instant where only that end is trained, for new pictures; else plain."),
    "instant": tr("As the recipe instant makes it of the pictures to learn from."),
    "plain": tr("As the network says it by itself, or the principal components of that."),
}

HEAD_REFITS: dict[str, str] = {
    "auto": tr(
        "It is fitted anew for new pictures with the recipes tail and full, where validation finds that better."
    ),
    "never": tr("It stays as the steps have left it."),
}

PRESETS: dict[str, str] = {
    "tuned": tr("Settings that train well in practice."),
    "lecture": tr(
        "The form of the lecture notes: margin 1, the plain mean over all pairs or triplets of a batch; where "
        "the notes have none, as tuned."
    ),
}

SAMPLINGS: dict[str, str] = {
    "classes": tr("Classes come together by chance."),
    "hard-classes": tr(
        "Classes come together with those that the model confuses with them, found anew before each epoch."
    ),
}

DISTANCES: dict[str, str] = {
    "l2": tr("The straight line between two embeddings, as the search measures it."),
    "squared-l2": tr("Its square: far mistakes weigh more."),
    "l1": tr("The sum of the differences of all numbers, over the root of their count so that margins mean the same."),
    "cosine": tr("The angle between two embeddings: 1 - its cosine."),
    "dot": tr("1 - the inner product: the same as cosine for embeddings of length 1."),
    "rbf": tr("A bell curve around each photo: beyond its width everything is equally far."),
}

MARGIN_SCHEDULES: dict[str, str] = {
    "constant": tr("The margin stays as it is."),
    "growing": tr("It begins at a quarter and grows over the first half of the steps, as the network learns."),
}

MINERS: dict[str, str] = {
    "all": tr("Every pair or triplet of the batch."),
    "random": tr("For each photo one match and one mismatch by chance: the naive way."),
    "hard": tr("For each photo only its farthest match and its nearest mismatch; strong, but can collapse."),
    "semi-hard": tr("For each matching pair the nearest mismatch that is farther away than the match."),
    "semi-hard-all": tr("Every triplet whose mismatch is farther than the match, but by less than the margin."),
    "distance-weighted": tr("For each photo mismatches at all distances alike, not the many far ones only."),
    "multi-similarity": tr("Matches farther than the nearest mismatch, and mismatches nearer than the farthest match."),
}


class LossPreset(NamedTuple):
    """The settings of a loss under one preset.

    `average` is "all" or "active" (see `losses.py`; the losses of pytorch-metric-learning average in their own way);
    margin and temperature are None where the loss has none; `own_rate` is the learning rate of the loss's own weights,
    in multiples of the network's.
    """

    margin: float | None = None
    miner: str = "all"
    average: str = "all"
    temperature: float | None = None
    own_rate: float = 1.0


class LossChoice(NamedTuple):
    """A loss in words, the miners it takes, its settings under each of PRESETS, and the distances it can use.

    A loss that measures distances in its own way has "l2" only, in which its statistics are shown. `margin_grows` says
    whether its margin can be changed from step to step.
    """

    help: str
    miners: tuple[str, ...]
    presets: dict[str, LossPreset]
    distances: tuple[str, ...] = ("l2",)
    margin_grows: bool = False


def _repeat_preset(preset: LossPreset) -> dict[str, LossPreset]:
    """The same settings under every preset, for a loss that the lecture notes give no form of its own."""
    return dict.fromkeys(PRESETS, preset)


PAIR_MINER_NAMES = ("all", "random", "hard", "semi-hard")
ALL_DISTANCES = tuple(DISTANCES)
# Proxies and centres are weights drawn at random that have a few hundred steps to find their place. Proxy-Anchor's own
# code trains them at 1e-2 (100 times 1e-4), SoftTriple's centres too: 20 times the usual rate here.
PROXY_RATE = 20.0

# The tuned triplet margin is FaceNet's 0.2 (Schroff et al. 2015, section 3.2). The tuned contrastive one is measured:
# Fashion-MNIST at 64 px, 5,000 pictures, pretrained lite0, three epochs, one seed, validation MAP@R: 0.6 0.737, the
# notes' 1 0.722; averaged over "active" pairs 0.657 (margin 0.5). Lecture: margin 1 on unit vectors, mean over all.
# The others' margins and temperatures are those of their papers, named beside each, as far as those say them.
LOSSES: dict[str, LossChoice] = {
    "contrastive": LossChoice(
        tr("Pairs: matches are pulled together, mismatches nearer than the margin are pushed apart."),
        PAIR_MINER_NAMES,
        {"tuned": LossPreset(0.6), "lecture": LossPreset(1.0)},
        ALL_DISTANCES,
        margin_grows=True,
    ),
    "contrastive-squared": LossChoice(
        tr("The same with squared distances: the farthest match and the nearest mismatch weigh most."),
        PAIR_MINER_NAMES,
        _repeat_preset(LossPreset(1.0)),
        ALL_DISTANCES,
        margin_grows=True,
    ),
    "contrastive-hadsell": LossChoice(
        tr("The same with squares inside the margin: mismatches just within it are hardly pushed (Hadsell 2006)."),
        PAIR_MINER_NAMES,
        _repeat_preset(LossPreset(1.0)),
        ALL_DISTANCES,
        margin_grows=True,
    ),
    "triplet": LossChoice(
        tr("Triplets: a photo has to be nearer to its match than to a mismatch, by at least the margin."),
        (*PAIR_MINER_NAMES, "semi-hard-all"),
        {"tuned": LossPreset(0.2, "semi-hard-all", "active"), "lecture": LossPreset(1.0)},
        ALL_DISTANCES,
        margin_grows=True,
    ),
    "triplet-soft": LossChoice(
        tr("Triplets without a margin: the nearer the match than the mismatch the better, ever more gently (Hermans)."),
        ("hard", "semi-hard", "random"),
        {"tuned": LossPreset(miner="semi-hard"), "lecture": LossPreset(miner="random")},
        ALL_DISTANCES,
    ),
    "triplet-hierarchical": LossChoice(
        tr(
            "Triplets with a margin of their own by how far apart their classes are in a tree, made anew before each "
            "epoch (Ge 2018); best with the sampling hard-classes."
        ),
        ("all", "random", "hard"),
        _repeat_preset(LossPreset(0.1, average="active")),
    ),
    "triplet-adapted": LossChoice(
        tr("Triplets, with the shift corrected that choosing some and not others brings in (Yu 2018)."),
        (*PAIR_MINER_NAMES, "semi-hard-all"),
        _repeat_preset(LossPreset(0.2, "semi-hard", "active")),
        ALL_DISTANCES,
        margin_grows=True,
    ),
    "asymmetric": LossChoice(
        tr(
            "Pairs: of the matches only a chain through each class counts, and anchor and other photo take two ways "
            "(Xu 2019)."
        ),
        ("all",),
        _repeat_preset(LossPreset()),
    ),
    "group": LossChoice(
        tr("Classes: the photos of a batch vote on each other's, by how alike they are (Elezi 2020)."),
        ("all",),
        _repeat_preset(LossPreset(temperature=0.1, own_rate=PROXY_RATE)),
    ),
    "siamese": LossChoice(
        tr("A small network judges each pair as same or different; the simplest way and the weakest (lecture notes)."),
        ("all", "random", "semi-hard"),  # with the hardest pairs only, the head learns to call the near ones different
        {"tuned": LossPreset(average="active", own_rate=10.0), "lecture": LossPreset(miner="random", own_rate=10.0)},
    ),
    "siamese-concatenated": LossChoice(
        tr("The same with a small network that sees both embeddings side by side, as the lecture notes draw it."),
        ("all", "random"),
        {"tuned": LossPreset(average="active", own_rate=10.0), "lecture": LossPreset(miner="random", own_rate=1.0)},
    ),
    "supcon": LossChoice(
        tr("Every match has to stand out from the whole batch, all matches at once (Khosla 2020)."),
        ("all",),
        _repeat_preset(LossPreset(temperature=0.1)),
    ),
    "nt-xent": LossChoice(
        tr("Each match on its own has to stand out from all mismatches of the batch (Sohn 2016, Chen 2020)."),
        ("all",),
        _repeat_preset(LossPreset(temperature=0.07)),
    ),
    "multi-similarity": LossChoice(
        tr("Pairs weighed by how hard they are, by themselves and beside the others of the batch (Wang 2019)."),
        ("all", "multi-similarity"),
        _repeat_preset(LossPreset()),
    ),
    "circle": LossChoice(
        tr("Pairs weighed by how far each still has to go (Sun 2020)."),
        ("all",),
        _repeat_preset(LossPreset(0.4, temperature=1 / 80)),
    ),
    "fast-ap": LossChoice(
        tr("The ranking itself: the average precision of each photo's neighbours, made smooth (Cakir 2019)."),
        ("all",),
        _repeat_preset(LossPreset()),
    ),
    "angular": LossChoice(
        tr("Triplets by the angle at the mismatch instead of by distances (Wang 2017)."),
        ("all",),
        _repeat_preset(LossPreset()),
    ),
    "snr": LossChoice(
        tr("Pairs, with distances as noise against signal: the variance of the difference (Yuan 2019)."),
        ("all",),
        _repeat_preset(LossPreset(1.0)),
    ),
    "margin": LossChoice(
        tr("Pairs on two sides of a boundary that is learned too (Wu 2017)."),
        ("distance-weighted", "all"),
        _repeat_preset(LossPreset(0.2, "distance-weighted", own_rate=PROXY_RATE)),
    ),
    "margin-per-class": LossChoice(
        tr("The same with a boundary of its own for each class (Wu 2017)."),
        ("distance-weighted", "all"),
        _repeat_preset(LossPreset(0.2, "distance-weighted", own_rate=PROXY_RATE)),
    ),
    "normalised-softmax": LossChoice(
        tr("Classes: each has a point of its own, and a photo has to be nearest to that of its class (Zhai 2019)."),
        ("all",),
        _repeat_preset(LossPreset(temperature=0.05, own_rate=PROXY_RATE)),
    ),
    "cosface": LossChoice(
        tr("The same, and the point of the own class has to be nearer by a margin (Wang 2018)."),
        ("all",),
        _repeat_preset(LossPreset(0.35, temperature=1 / 64, own_rate=PROXY_RATE)),
    ),
    "arcface": LossChoice(
        tr("The same with the margin as an angle (Deng 2019)."),
        ("all",),
        _repeat_preset(LossPreset(0.5, temperature=1 / 64, own_rate=PROXY_RATE)),
    ),
    "proxy-nca": LossChoice(
        tr("Classes by their points and by squared distances, at the temperature of ProxyNCA++ (Teh 2020)."),
        ("all",),
        {
            "tuned": LossPreset(temperature=1 / 9, own_rate=PROXY_RATE),
            # the first form, Movshovitz-Attias et al. 2017
            "lecture": LossPreset(temperature=1.0, own_rate=PROXY_RATE),
        },
    ),
    "proxy-anchor": LossChoice(
        tr(
            "Each class's point pulls the photos of the batch that are far from it and pushes those too near (Kim "
            "2020)."
        ),
        ("all",),
        _repeat_preset(LossPreset(0.1, temperature=1 / 32, own_rate=PROXY_RATE)),
    ),
    "soft-triple": LossChoice(
        tr("Classes with ten points each, for classes of several looks (Qian 2019)."),
        ("all",),
        _repeat_preset(LossPreset(0.01, temperature=1 / 20, own_rate=PROXY_RATE)),
    ),
}


def choose_miner(purpose: str, loss: str, preset: str) -> str:
    """The miner for a loss where the user names none: the preset's, but for new classes every triplet.

    Measured on Fashion-MNIST, five classes learned and the other five judged, then the other way round, seed 0, against
    the better pretrained model: all +0.066 and +0.049 MAP@R, random +0.068 and +0.007, semi-hard-all -0.004.
    """
    if (purpose, loss, preset) == ("classes", "triplet", "tuned"):
        return "all"
    return LOSSES[loss].presets[preset].miner


# Which need no weights for each number of an embedding, so that they can look at a part of it.
DIVISIBLE_LOSSES = (
    *(name for name, choice in LOSSES.items() if choice.margin_grows),
    *("triplet-soft", "supcon", "nt-xent", "multi-similarity", "circle", "fast-ap", "angular", "snr", "margin"),
)
