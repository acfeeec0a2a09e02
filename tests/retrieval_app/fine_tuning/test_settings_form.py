"""The form is TrainConfig: the same settings, defaults, choices and refusals."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from indexer.errors import LookalikeError
from retrieval_app.fine_tuning.plan_rows import DURATION_CHOICES, RadioEditor
from retrieval_app.fine_tuning.settings_form import TrainForm, display_name
from training.settings.choices import LOSSES, PURPOSE_DEFAULTS, PURPOSES
from training.settings.config import TrainConfig, list_settings
from training.settings.setting_rule import SettingField

SETTINGS = list_settings(TrainConfig)
PLANNED = ("purpose", "class_level")  # asked of everybody
FOLDED = [setting for setting in SETTINGS if setting.name not in PLANNED]


@pytest.fixture
def form(qtbot: QtBot) -> Iterator[TrainForm]:
    form = TrainForm()
    qtbot.addWidget(form)
    form.show()
    yield form
    form.close()


def choose(form: TrainForm, name: str, value: str) -> None:
    editor = form.editors[name]
    if isinstance(editor, RadioEditor):
        editor.buttons[value].click()
        return
    assert isinstance(editor, QComboBox)
    editor.setCurrentIndex(editor.findData(value))
    assert editor.currentData() == value


def offered(form: TrainForm, name: str) -> list[object]:
    editor = form.editors[name]
    assert isinstance(editor, QComboBox)
    return [editor.itemData(row) for row in range(editor.count())]


def texts(place: QWidget) -> set[str]:
    return {label.text() for label in place.findChildren(QLabel)}


def test_the_form_offers_exactly_the_settings_with_their_defaults(form: TrainForm) -> None:
    folded = [setting.name for setting in sorted(FOLDED, key=lambda one: one.rule.advanced)]
    assert list(form.editors) == [*PLANNED, *folded]
    assert form.read_config() == TrainConfig()


def test_each_setting_has_its_name_and_its_help(form: TrainForm) -> None:
    shown = texts(form)
    for setting in FOLDED:
        assert {display_name(setting), setting.rule.help} <= shown
        assert form.editors[setting.name].accessibleName() == display_name(setting)


@pytest.mark.parametrize("setting", [one for one in FOLDED if one.rule.choices], ids=lambda setting: setting.name)
def test_each_choice_is_explained_when_it_is_chosen(form: TrainForm, setting: SettingField) -> None:
    for name in [name for name in offered(form, setting.name) if name is not None]:
        choose(form, setting.name, str(name))
        assert setting.rule.choices[str(name)] in texts(form)


def test_only_miners_that_the_loss_takes_are_offered(form: TrainForm) -> None:
    for loss in LOSSES:
        choose(form, "loss", loss)
        assert offered(form, "miner") == [None, *LOSSES[loss].miners], loss


def test_a_miner_that_another_loss_refuses_falls_back_to_the_usual_one(form: TrainForm) -> None:
    choose(form, "loss", "triplet")
    choose(form, "miner", "semi-hard-all")
    choose(form, "loss", "contrastive")
    assert form.read_config().miner is None
    editor = form.editors["miner"]
    assert isinstance(editor, QComboBox)
    usual = TrainConfig(loss="contrastive").resolve_defaults().miner
    assert editor.currentText() == f"the one that suits loss and purpose ({usual})"


def test_a_miner_that_both_losses_take_is_kept(form: TrainForm) -> None:
    choose(form, "miner", "hard")
    choose(form, "loss", "contrastive")
    assert form.read_config().miner == "hard"


def test_what_only_experts_set_is_folded_away_until_wanted(form: TrainForm) -> None:
    folded = {setting.name for setting in FOLDED}
    assert {name for name, editor in form.editors.items() if not editor.isVisible()} == folded | {"class_level"}
    form.experts_section.button.click()
    assert {name for name, editor in form.editors.items() if not editor.isVisible()} == {"class_level"}
    form.experts_section.button.click()
    assert not form.advanced.isVisible()


@pytest.mark.parametrize("recipe", DURATION_CHOICES)
def test_how_long_it_may_take_is_a_recipe(form: TrainForm, recipe: str) -> None:
    assert form.plan.duration.chosen_value() == "instant"  # which auto is, where there are classes
    form.plan.duration.buttons[recipe].click()
    if recipe != "instant":
        assert form.read_config() == TrainConfig(recipe=recipe)
    choose(form, "recipe", "tail")
    assert form.plan.duration.chosen_value() is None
    choose(form, "recipe", recipe)
    assert form.plan.duration.chosen_value() == recipe


def test_each_duration_says_how_long_it_takes_here_and_levels_are_asked_where_there_are_two(form: TrainForm) -> None:
    form.plan.show_estimates({"quick": "3 min", "full": ""})
    assert [button.text() for button in form.plan.duration.buttons.values()] == [
        "Seconds",
        "Minutes (here about 3 min)",
        "Over night",
    ]
    form.plan.show_levels("rosa/canina", 1)
    assert form.plan.class_level.isVisible()
    assert form.plan.class_level.buttons[2].text() == "The folders inside them, as rosa/canina"
    form.plan.class_level.buttons[2].click()
    assert form.read_config() == TrainConfig(class_level=2)
    form.plan.show_levels("", 1)
    assert not form.plan.class_level.isVisible()
    assert form.read_config() == TrainConfig()


def test_a_name_is_suggested_until_one_is_written(form: TrainForm) -> None:
    form.plan.suggest_name("Pictures, 2026-01-02")
    assert form.plan.read_name() == "Pictures, 2026-01-02"
    form.plan.suggest_name("Plants, 2026-01-02")
    assert form.plan.read_name() == "Plants, 2026-01-02"
    form.plan.name_field.selectAll()
    QTest.keyClicks(form.plan.name_field, "  Roses ")
    form.plan.suggest_name("Pictures, 2026-01-02")
    assert form.plan.read_name() == "Roses"


@pytest.mark.parametrize("purpose", PURPOSES)
def test_what_suits_the_purpose_is_shown_and_taken(form: TrainForm, purpose: str) -> None:
    choose(form, "purpose", purpose)
    suited = PURPOSE_DEFAULTS[purpose]
    loss, epochs, rate = (form.editors[name] for name in ("loss", "epochs", "learning_rate"))
    assert isinstance(loss, QComboBox)
    assert isinstance(epochs, QSpinBox)
    assert isinstance(rate, QLineEdit)
    assert loss.currentText() == f"the one that suits the purpose ({suited.loss})"
    assert LOSSES[suited.loss].help in texts(form)
    assert epochs.text() == f"{suited.epochs}, suits the purpose"
    assert rate.placeholderText() == f"{suited.learning_rate:g}, suits the purpose"
    assert form.read_config() == TrainConfig(purpose=purpose)


def test_what_is_set_stays_when_the_purpose_changes(form: TrainForm) -> None:
    choose(form, "loss", "supcon")
    epochs = form.editors["epochs"]
    assert isinstance(epochs, QSpinBox)
    QTest.keyClick(epochs, Qt.Key.Key_Up)
    choose(form, "purpose", "classes")
    assert form.read_config() == TrainConfig(
        purpose="classes", loss="supcon", epochs=PURPOSE_DEFAULTS["images"].epochs + 1
    )
    epochs.setValue(epochs.minimum())
    assert form.read_config() == TrainConfig(purpose="classes", loss="supcon")
    QTest.keyClick(epochs, Qt.Key.Key_Up)
    assert form.read_config().epochs == PURPOSE_DEFAULTS["classes"].epochs + 1


def test_the_models_own_size_is_the_first_step_below_the_least(form: TrainForm) -> None:
    editor = form.editors["image_size"]
    assert isinstance(editor, QSpinBox)
    assert editor.text() == "the model's own"
    QTest.keyClick(editor, Qt.Key.Key_Up)
    assert form.read_config().image_size == 32
    QTest.keyClick(editor, Qt.Key.Key_Up)
    assert form.read_config().image_size == 64
    QTest.keyClick(editor, Qt.Key.Key_Down)
    QTest.keyClick(editor, Qt.Key.Key_Down)
    assert form.read_config().image_size is None


@pytest.mark.parametrize(("typed", "taken"), [("0.0005", 5e-4), ("1e-4", 1e-4), (" 0,002 ", 0.002)])
def test_a_number_is_taken_as_it_is_typed(form: TrainForm, typed: str, taken: float) -> None:
    editor = form.editors["learning_rate"]
    assert isinstance(editor, QLineEdit)
    editor.setText(typed)
    assert form.read_config().learning_rate == taken


@pytest.mark.parametrize("typed", ["fast", "7", "-1", "nan", "inf"])
def test_a_number_that_does_not_go_is_refused_in_a_sentence(form: TrainForm, typed: str) -> None:
    editor = form.editors["learning_rate"]
    assert isinstance(editor, QLineEdit)
    editor.setText(typed)
    with pytest.raises(LookalikeError, match="learning-rate"):
        form.read_config()


def test_no_number_is_the_losss_own_margin(form: TrainForm) -> None:
    editor = form.editors["margin"]
    assert isinstance(editor, QLineEdit)
    assert form.read_config().margin is None
    editor.setText("0.3")
    assert form.read_config().margin == 0.3


def test_the_wheel_changes_no_setting_in_passing(form: TrainForm) -> None:
    editor = form.editors["epochs"]
    before = editor.chosen_value()
    here = QPointF(5, 5)
    event = QWheelEvent(
        here,
        QPointF(editor.mapToGlobal(here)),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    form.setFocus()
    QApplication.sendEvent(editor, event)
    assert editor.chosen_value() == before
