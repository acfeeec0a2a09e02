"""Everything a user may set about a training, once: names, defaults, ranges and help.

The command line's options and the window's dialog are made from `list_settings(TrainConfig)`. Imports no torch.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import Any, cast, get_type_hints

from indexer.errors import LookalikeError
from indexer.wording import tr
from training.settings.choices import (
    BACKBONES,
    BUILT_IN,
    COURSE,
    DISTANCES,
    DIVISIBLE_LOSSES,
    HEAD_REFITS,
    HEAD_STARTS,
    INITIAL_WEIGHTS,
    LOSSES,
    MARGIN_SCHEDULES,
    MINERS,
    POOLINGS,
    PRESETS,
    PURPOSE_DEFAULTS,
    PURPOSES,
    RECIPES,
    SAMPLINGS,
    LossPreset,
    choose_miner,
)
from training.settings.setting_rule import SettingField, SettingRule, SettingValue, format_value

MAX_NAME_LENGTH = 200  # characters of a choice
# With random weights there is nothing to forget on the way, and larger steps are taken.
FROM_SCRATCH_DEFAULTS: dict[str, float] = {"learning_rate": 1e-3, "interpolation": 1.0}
_LOSS_HELP = {name: choice.help for name, choice in LOSSES.items()}


def _make_setting(default: SettingValue, rule: SettingRule) -> Any:
    return field(default=default, metadata={"rule": rule})


def _make_suited_setting(name: str, rule: SettingRule) -> Any:
    """A setting of PurposeDefaults: None, when a config is made, becomes the default of its purpose."""
    images, classes = (format_value(getattr(PURPOSE_DEFAULTS[purpose], name)) for purpose in ("images", "classes"))
    description = images
    if images != classes:
        description = tr("{images} for new pictures, {classes} for new classes", images=images, classes=classes)
    return _make_setting(None, rule._replace(unset=description))


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The settings of one training; every field is checked, and LookalikeError says which one is wrong and why.

    The fields of `choices.PurposeDefaults` may be None when a config is made, and become the default of its purpose.
    """

    purpose: str = _make_setting("images", SettingRule("What the model is for.", PURPOSES))
    class_level: int = _make_setting(
        1,
        SettingRule(
            "Which level of sub-folders names the classes: 1, or 2 for trees as genus/species.",
            low=1,
            high=2,
            advanced=True,
        ),
    )
    loss: str = _make_suited_setting("loss", SettingRule("What the model is corrected for.", _LOSS_HELP))
    miner: str | None = _make_setting(
        None,
        SettingRule("Which pairs or triplets of a batch count.", MINERS, unset="the one that suits loss and purpose"),
    )
    epochs: int = _make_suited_setting(
        "epochs", SettingRule("How often the training goes over the pictures.", low=1, high=1000)
    )
    least_steps: int = _make_setting(
        40,
        SettingRule(
            "Steps at least: where few pictures would make fewer, an epoch goes over them several times.",
            low=0,
            high=100_000,
            advanced=True,
        ),
    )
    image_size: int | None = _make_setting(
        None,
        SettingRule("Side of the pictures in pixels; smaller is faster.", low=32, high=1024, unset="the model's own"),
    )
    preset: str = _make_setting("tuned", SettingRule("Which form of the loss.", PRESETS, advanced=True))
    margin: float | None = _make_setting(
        None,
        SettingRule("How far apart mismatches have to be.", low=0.01, high=2, unset="the loss's own", advanced=True),
    )
    margin_schedule: str = _make_setting(
        "constant", SettingRule("How the margin changes in the training.", MARGIN_SCHEDULES, advanced=True)
    )
    temperature: float | None = _make_setting(
        None,
        SettingRule(
            "Smaller looks at the hardest mismatches only.", low=0.005, high=1, unset="the loss's own", advanced=True
        ),
    )
    distance: str = _make_setting("l2", SettingRule("How the loss measures distances.", DISTANCES, advanced=True))
    recipe: str = _make_setting("auto", SettingRule("How much of the network is trained.", RECIPES, advanced=True))
    backbone: str = _make_setting(
        BUILT_IN, SettingRule("The network.", BACKBONES, advanced=True, others="any other network of timm by its name")
    )
    initial_weights: str = _make_setting(
        "pretrained", SettingRule("What the network begins with.", INITIAL_WEIGHTS, advanced=True)
    )
    pooling: str = _make_setting(
        "own", SettingRule("How the places of a picture become one answer.", POOLINGS, advanced=True)
    )
    dim: int = _make_suited_setting(
        "dim",
        SettingRule(
            "Numbers per picture at the model's end, from 2 to the backbone's own; 0 adds nothing to the backbone.",
            low=0,
            high=4096,
            advanced=True,
        ),
    )
    head_start: str = _make_setting(
        "auto", SettingRule("What the training of the model's end begins with.", HEAD_STARTS, advanced=True)
    )
    head_refit: str = _make_setting(
        "auto", SettingRule("What becomes of the model's end after the last step.", HEAD_REFITS, advanced=True)
    )
    learners: int = _make_setting(
        1,
        SettingRule(
            "Parts of the embedding that learn from a part of the pictures each, and together at the end; 1 divides "
            "nothing.",
            low=1,
            high=16,
            advanced=True,
        ),
    )
    classes_per_batch: int = _make_setting(
        10, SettingRule("Classes looked at together.", low=2, high=1024, advanced=True)
    )
    photos_per_class: int = _make_setting(
        6, SettingRule("Pictures of each class looked at together.", low=2, high=256, advanced=True)
    )
    sampling: str = _make_setting(
        "classes", SettingRule("Which classes are looked at together.", SAMPLINGS, advanced=True)
    )
    learning_rate: float = _make_suited_setting(
        "learning_rate",
        SettingRule("Largest step of the training; smaller is safer and slower.", low=1e-7, high=1, advanced=True),
    )
    weight_decay: float = _make_setting(
        1e-2, SettingRule("Pull of the weights towards zero.", low=0, high=1, advanced=True)
    )
    interpolation: float = _make_suited_setting(
        "interpolation",
        SettingRule(
            "How far the weights go from the pretrained ones towards the trained ones, 1 all the way; less forgets "
            "less of other classes.",
            low=0.1,
            high=1,
            advanced=True,
        ),
    )
    patience: int = _make_setting(
        3,
        SettingRule(
            "Stop after so many epochs without improvement; 0 never stops early.", low=0, high=1000, advanced=True
        ),
    )
    max_seconds: float = _make_setting(
        0.0, SettingRule("Stop training after so many seconds; 0 sets no limit.", low=0, high=1e7, advanced=True)
    )
    seed: int = _make_setting(0, SettingRule("Start of the random numbers.", low=0, high=2**31 - 1, advanced=True))

    def __post_init__(self) -> None:
        for setting in list_settings(TrainConfig):
            _check_value(setting, getattr(self, setting.name))
        suited = PURPOSE_DEFAULTS[self.purpose]._asdict() | (FROM_SCRATCH_DEFAULTS if self.from_scratch else {})
        for name, value in suited.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)  # frozen from here on
        if self.dim == 1:  # of unit length it could only be 1 or -1
            raise LookalikeError("--dim has to be 0 or from 2 on, not 1.")
        _check_loss(self)
        if self.learners > 1:
            _check_learners(self)
        if self.backbone != BUILT_IN or self.from_scratch or self.pooling != "own":
            _settle_recipe(self)

    @property
    def from_scratch(self) -> bool:
        """Whether the network begins with random weights, all of which are trained."""
        return self.initial_weights == "random" or self.backbone == COURSE

    @property
    def loss_preset(self) -> LossPreset:
        """The settings of the chosen loss under the chosen preset."""
        return LOSSES[self.loss].presets[self.preset]

    @property
    def starts_instantly(self) -> bool:
        """Whether the head begins as the class metric of the training pictures.

        Where more than the head is trained, that start gains nothing or does harm, as the metric already parts the
        pictures that it was fitted on; for new classes it fits the known ones too well (`docs/metric-learning.md`).
        """
        suited = "instant" if (self.purpose, self.recipe) == ("images", "quick") else "plain"
        start = suited if self.head_start == "auto" else self.head_start
        return self.recipe != "unlabelled" and start == "instant" and not self.from_scratch

    @property
    def refits_head(self) -> bool:
        """Whether the head may be replaced at the end by the class metric of the trained network."""
        trains_backbone = self.recipe in ("tail", "full")
        return self.head_refit == "auto" and self.purpose == "images" and trains_backbone and self.dim > 0

    def resolve_defaults(self) -> "TrainConfig":
        """The same config with miner, margin and temperature of the loss written out; they are None where the loss has
        none. `image_size` stays None where it is the model's own.
        """
        usual = self.loss_preset
        margin = usual.margin if self.margin is None else self.margin
        temperature = usual.temperature if self.temperature is None else self.temperature
        miner = self.miner or choose_miner(self.purpose, self.loss, self.preset)
        return replace(self, miner=miner, margin=margin, temperature=temperature)

    def to_dict(self) -> dict[str, SettingValue]:
        """The settings by name, as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """A config from settings by name, the others by default; LookalikeError for an unknown name or a bad value."""
        known = {setting.name for setting in fields(cls)}
        for name in values:
            if name not in known:
                raise LookalikeError("There is no training setting called {name!r}.", name=name)
        return cls(**values)


@cache
def list_settings(config: type[TrainConfig]) -> tuple[SettingField, ...]:
    """All settings in order of display."""
    hints = get_type_hints(config)
    kinds = {
        name: next(kind for kind in (str, int, float) if hint in (kind, kind | None)) for name, hint in hints.items()
    }
    return tuple(
        SettingField(f.name, kinds[f.name], cast(SettingValue, f.default), f.metadata["rule"]) for f in fields(config)
    )


def _check_learners(config: TrainConfig) -> None:
    """Raise LookalikeError where the embedding cannot be divided among several learners."""
    if config.dim < 2 * config.learners:
        raise LookalikeError(
            "{learners} learners need --dim {value} or more, two numbers each.",
            learners=config.learners,
            value=2 * config.learners,
        )
    if config.loss not in DIVISIBLE_LOSSES:
        raise LookalikeError(
            "The loss {loss} cannot be divided; choose {choices}.",
            loss=config.loss,
            choices=_join_choices(DIVISIBLE_LOSSES),
        )
    if config.sampling != "classes":
        raise LookalikeError("Learners choose their pictures themselves: leave --sampling out.")


def _settle_recipe(config: TrainConfig) -> None:
    """Choose the recipe of another network than the usual one where it is open; LookalikeError where none can be that.

    The closed form is made of the library's own embeddings; random weights and another pooling are for training all
    of the network.
    """
    is_whole = config.from_scratch or config.pooling != "own"
    if config.recipe == "instant" or (is_whole and config.recipe in ("quick", "tail")):
        network = (
            tr("the network {backbone}", backbone=config.backbone) if config.pooling == "own" else tr("another pooling")
        )
        network = tr("a network from nothing") if config.from_scratch else network
        raise LookalikeError(
            "The recipe {recipe} is not for {network}; choose full or unlabelled.",
            recipe=config.recipe,
            network=network,
        )
    if config.recipe in ("auto", "thorough"):
        object.__setattr__(config, "recipe", "full" if is_whole else "thorough")


def _check_loss(config: TrainConfig) -> None:
    """Raise LookalikeError where the loss has no use for a miner, distance, margin or temperature that was set."""
    loss, usual = config.loss, config.loss_preset
    if config.miner is not None:
        _check_supported(loss, "miner", config.miner, LOSSES[loss].miners)
    if config.margin_schedule != "constant" and not LOSSES[loss].margin_grows:
        growing = tuple(name for name, choice in LOSSES.items() if choice.margin_grows)
        raise LookalikeError(
            "The margin of the loss {loss} cannot grow; that of {choices} can.",
            loss=loss,
            choices=_join_choices(growing),
        )
    _check_supported(loss, "distance", config.distance, LOSSES[loss].distances)
    for name, configured, preset_value in (
        ("margin", config.margin, usual.margin),
        ("temperature", config.temperature, usual.temperature),
    ):
        if configured is not None and preset_value is None:
            raise LookalikeError("The loss {loss} has no {name}; leave --{name} out.", loss=loss, name=name)


def _check_supported(loss: str, noun: str, name: str, supported: tuple[str, ...]) -> None:
    if name not in supported:
        raise LookalikeError(
            "The loss {loss} cannot use the {noun} {name}; choose {choices}.",
            loss=loss,
            noun=noun,
            name=name,
            choices=_join_choices(supported),
        )


def _check_value(setting: SettingField, value: object) -> None:
    if value is None and setting.allows_none:
        return
    if setting.kind is str:
        _check_choice(setting, value)
    else:
        _check_number(setting, value)


def _check_choice(setting: SettingField, value: object) -> None:
    is_name = isinstance(value, str) and value.isprintable() and 0 < len(value) <= MAX_NAME_LENGTH
    if not is_name or (value not in setting.rule.choices and not setting.rule.is_open):
        raise LookalikeError(
            "{option_name} cannot be {value!r}; choose {choices}.",
            option_name=setting.option_name,
            value=value,
            choices=_join_choices(tuple(setting.rule.choices)),
        )


def _check_number(setting: SettingField, value: object) -> None:
    allowed = int if setting.kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, allowed):
        noun = tr("a whole number") if setting.kind is int else tr("a number")
        raise LookalikeError(
            "{option_name} has to be {noun}, not {value!r}.", option_name=setting.option_name, noun=noun, value=value
        )
    if not setting.rule.low <= value <= setting.rule.high:
        raise LookalikeError(
            "{option_name} has to be from {low:g} to {high:.10g}, not {value!r}.",
            option_name=setting.option_name,
            low=setting.rule.low,
            high=setting.rule.high,
            value=value,
        )


def _join_choices(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
