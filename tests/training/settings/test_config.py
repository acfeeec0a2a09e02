import dataclasses
import json
import subprocess
import sys
from typing import Any

import pytest

from indexer.errors import LookalikeError
from training.settings.choices import DISTANCES, LOSSES, MINERS, PRESETS, PURPOSE_DEFAULTS, PURPOSES, PurposeDefaults
from training.settings.config import TrainConfig, list_settings
from training.settings.setting_rule import SettingField

SETTINGS = {setting.name: setting for setting in list_settings(TrainConfig)}
NUMBERS = [setting for setting in SETTINGS.values() if setting.kind is not str]
CHOICES = [setting for setting in SETTINGS.values() if setting.kind is str and not setting.rule.is_open]


def test_every_field_is_described_once_in_order() -> None:
    assert list(SETTINGS) == [field.name for field in dataclasses.fields(TrainConfig)]
    assert all(setting.rule.help.endswith(".") for setting in SETTINGS.values())


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_field_allows_none_only_where_it_says_what_none_means(setting: SettingField) -> None:
    if setting.name in PurposeDefaults._fields:
        assert setting.allows_none
    elif setting.allows_none:
        assert getattr(TrainConfig.from_dict({setting.name: None}), setting.name) is None
    else:
        with pytest.raises(LookalikeError, match=setting.option_name):
            TrainConfig.from_dict({setting.name: None})


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.name)
def test_numbers_are_held_to_their_range(setting: SettingField) -> None:
    loss = "triplet" if setting.name == "learners" else "cosface"  # which has all there is to set
    for value in (setting.rule.low, setting.rule.high):
        TrainConfig.from_dict({setting.name: setting.kind(value), "loss": loss})
    for value in (setting.rule.low - 1, setting.rule.high + 1):
        with pytest.raises(LookalikeError, match=f"{setting.option_name} has to be from"):
            TrainConfig.from_dict({setting.name: setting.kind(value)})


@pytest.mark.parametrize("value", ["many", True, float("nan"), [1], "6"])
@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.name)
def test_what_is_no_number_is_refused_with_a_sentence(setting: SettingField, value: Any) -> None:
    with pytest.raises(LookalikeError, match=setting.option_name):
        TrainConfig.from_dict({setting.name: value})


def test_a_fraction_is_no_whole_number() -> None:
    with pytest.raises(LookalikeError, match=r"--epochs has to be a whole number, not 2\.5"):
        TrainConfig.from_dict({"epochs": 2.5})


@pytest.mark.parametrize("value", ["nonsense", 3, ["images"]])
@pytest.mark.parametrize("setting", CHOICES, ids=lambda setting: setting.name)
def test_an_unknown_choice_is_refused_with_those_there_are(setting: SettingField, value: Any) -> None:
    with pytest.raises(
        LookalikeError, match=f"{setting.option_name} cannot be .*; choose .*{next(iter(setting.rule.choices))}"
    ):
        TrainConfig.from_dict({setting.name: value})


@pytest.mark.parametrize("miner", MINERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_takes_the_miners_of_its_table_only(loss: str, miner: str) -> None:
    if miner in LOSSES[loss].miners:
        assert TrainConfig(loss=loss, miner=miner).resolve_defaults().miner == miner
    else:
        with pytest.raises(LookalikeError, match=f"The loss {loss} cannot use the miner {miner}; choose"):
            TrainConfig(loss=loss, miner=miner)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_takes_the_distances_of_its_table_only(loss: str, distance: str) -> None:
    if distance in LOSSES[loss].distances:
        assert TrainConfig(loss=loss, distance=distance).distance == distance
    else:
        with pytest.raises(LookalikeError, match=f"The loss {loss} cannot use the distance {distance}; choose l2"):
            TrainConfig(loss=loss, distance=distance)


@pytest.mark.parametrize("setting", ["margin", "temperature"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_takes_a_margin_and_a_temperature_only_where_it_has_one(loss: str, setting: str) -> None:
    own = getattr(LOSSES[loss].presets["tuned"], setting)
    if own is not None:
        assert getattr(TrainConfig.from_dict({"loss": loss, setting: 0.3}).resolve_defaults(), setting) == 0.3
        assert getattr(TrainConfig(loss=loss).resolve_defaults(), setting) == own
    else:
        assert getattr(TrainConfig(loss=loss).resolve_defaults(), setting) is None
        with pytest.raises(LookalikeError, match=f"The loss {loss} has no {setting}; leave --{setting} out"):
            TrainConfig.from_dict({"loss": loss, setting: 0.3})


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_has_every_preset_and_it_is_valid(loss: str, preset: str) -> None:
    full = TrainConfig(loss=loss, preset=preset).resolve_defaults()
    assert full.miner in LOSSES[loss].miners
    assert full.margin == LOSSES[loss].presets[preset].margin
    assert full.loss_preset.average in ("all", "active")


def test_the_lecture_preset_is_margin_one_over_everything() -> None:
    for loss in ("contrastive", "contrastive-squared", "contrastive-hadsell", "triplet"):
        full = TrainConfig(loss=loss, preset="lecture").resolve_defaults()
        assert (full.margin, full.miner, full.loss_preset.average) == (1.0, "all", "all")


def test_what_the_user_sets_wins_over_the_preset() -> None:
    full = TrainConfig(loss="triplet", preset="lecture", margin=0.3, miner="hard").resolve_defaults()
    assert (full.margin, full.miner) == (0.3, "hard")


OTHERS: dict[str, Any] = {"loss": "supcon", "epochs": 4, "learning_rate": 1e-3, "dim": 32, "interpolation": 0.8}


@pytest.mark.parametrize("purpose", PURPOSES)
def test_what_is_left_open_suits_the_purpose(purpose: str) -> None:
    for given in ({}, dict.fromkeys(PurposeDefaults._fields)):
        config = TrainConfig.from_dict({"purpose": purpose} | given)
        assert {name: getattr(config, name) for name in PurposeDefaults._fields} == PURPOSE_DEFAULTS[purpose]._asdict()


def test_new_classes_get_other_settings_than_new_pictures() -> None:
    config = TrainConfig(purpose="classes")
    assert (config.loss, config.epochs, config.learning_rate) == ("triplet", 1, 3e-4)
    assert (config.dim, config.interpolation, config.image_size) == (0, 0.5, None)
    assert config.resolve_defaults().miner == "all"
    assert (TrainConfig().loss, TrainConfig().epochs, TrainConfig().dim) == ("triplet", 8, 128)
    assert TrainConfig().resolve_defaults().miner == "semi-hard-all"


def test_a_miner_that_is_named_and_those_of_other_losses_are_the_same_for_new_classes() -> None:
    assert TrainConfig(purpose="classes", miner="semi-hard").resolve_defaults().miner == "semi-hard"
    for loss, choice in LOSSES.items():
        for name, preset in choice.presets.items():
            if (loss, name) != ("triplet", "tuned"):
                assert TrainConfig(purpose="classes", loss=loss, preset=name).resolve_defaults().miner == preset.miner


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("name", PurposeDefaults._fields)
def test_what_the_user_sets_wins_over_what_suits_the_purpose(name: str, purpose: str) -> None:
    for value in (OTHERS[name], *(getattr(suited, name) for suited in PURPOSE_DEFAULTS.values())):
        config = TrainConfig.from_dict({"purpose": purpose, name: value})
        expected = PURPOSE_DEFAULTS[purpose]._asdict() | {name: value}
        assert {one: getattr(config, one) for one in PurposeDefaults._fields} == expected


def test_a_config_of_an_earlier_version_keeps_what_it_says() -> None:
    """One that was written before a loss could be left out, and before there was an interpolation."""
    written = {"purpose": "classes", "loss": "triplet", "epochs": 6, "learning_rate": 5e-4, "dim": 128, "margin": 0.2}
    config = TrainConfig.from_dict(written)
    assert {name: getattr(config, name) for name in written} == written
    assert config.interpolation == 0.5


def test_a_config_survives_json() -> None:
    config = TrainConfig(loss="contrastive", margin=0.5, image_size=64, seed=7)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_setting_that_is_none_of_ours_is_named() -> None:
    with pytest.raises(LookalikeError, match="no training setting called 'epoch'"):
        TrainConfig.from_dict({"epoch": 3})


def test_options_and_dialog_can_be_made_without_torch() -> None:
    code = "import sys, training.settings.config, training.data.labelled_folders; print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


def test_training_is_imported_without_torch() -> None:
    code = "import sys; from training import TrainConfig, train; assert 'torch' not in sys.modules, 'torch'"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_any_name_of_a_network_is_taken_but_nothing_that_is_no_name() -> None:
    assert TrainConfig(backbone="resnet18").recipe == "thorough"
    for value in ("", "two\nlines", 3):
        with pytest.raises(LookalikeError, match=r"--backbone cannot be .*; choose built-in or course"):
            TrainConfig.from_dict({"backbone": value})


def test_a_network_from_nothing_is_trained_whole_and_all_the_way() -> None:
    for config in (TrainConfig(backbone="course"), TrainConfig(initial_weights="random", purpose="classes")):
        assert (config.recipe, config.interpolation, config.learning_rate) == ("full", 1.0, 1e-3)
        assert not config.starts_instantly
    assert TrainConfig(backbone="course", recipe="unlabelled", learning_rate=0.1).learning_rate == 0.1
    for recipe in ("instant", "quick", "tail"):
        with pytest.raises(LookalikeError, match=f"The recipe {recipe} is not for a network from nothing"):
            TrainConfig(backbone="course", recipe=recipe)
    with pytest.raises(LookalikeError, match="The recipe instant is not for the network resnet18"):
        TrainConfig(backbone="resnet18", recipe="instant")
