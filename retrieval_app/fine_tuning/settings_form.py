"""The settings of a training as a form, made from the fields of TrainConfig: name, help and editor for each.

What every user has to say stands in `plan_rows`; the rest is folded away as settings for experts.
"""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QSizePolicy, QSpinBox, QVBoxLayout, QWidget

from indexer.wording import tr
from retrieval_app.fine_tuning.plan_rows import NAME_WIDTH, PlanRows, RadioEditor, make_form_grid
from retrieval_app.widgets.controls import FoldedSection, make_label
from training.settings.choices import LOSSES, PURPOSE_DEFAULTS, choose_miner
from training.settings.config import TrainConfig, list_settings
from training.settings.setting_rule import SettingField, SettingValue, format_value

EDITOR_HEIGHT, NUMBER_WIDTH = 28, 184  # px


class ChoiceEditor(QComboBox):
    """A box of the field's choices; the first entry stands for None where that is allowed."""

    edited = Signal()

    def __init__(self, setting: SettingField) -> None:
        super().__init__()
        self._setting = setting
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)  # a long choice is cut rather than widening the form
        self.offer_choices(setting.rule.choices, tr(setting.rule.unset))
        self.setCurrentIndex(max(0, self.findData(setting.default)))
        self.currentIndexChanged.connect(self.edited)

    def offer_choices(self, names: Iterable[str], unset: str) -> None:
        """Offer these names only; a choice that is no longer among them becomes the first entry."""
        chosen = self.currentData()
        self.blockSignals(True)
        self.clear()
        if self._setting.allows_none:
            self.addItem(unset, None)
        for name in names:
            self.addItem(name, name)
        self.setCurrentIndex(max(0, self.findData(chosen)))
        self.blockSignals(False)

    def suggest_value(self, value: str | float) -> None:
        """Show in the first entry, which stands for None, the value that suits the purpose."""
        self.setItemText(0, tr("the one that suits the purpose ({value})", value=value))

    def chosen_value(self) -> SettingValue:
        """The value as TrainConfig takes it."""
        return None if self.currentData() is None else str(self.currentData())


class WholeEditor(QSpinBox):
    """A whole number within the field's range; the number below the range is shown in words and stands for None."""

    edited = Signal()

    def __init__(self, setting: SettingField) -> None:
        super().__init__()
        low, high = int(setting.rule.low), int(setting.rule.high)
        self._none_value = low - 1 if setting.allows_none else None
        self._suggested = low - 1  # the number that suits the purpose, which the words give
        self.setRange(low if self._none_value is None else self._none_value, high)
        if self._none_value is not None:
            self.setSpecialValueText(tr(setting.rule.unset))
        self.setSingleStep(32 if setting.name == "image_size" else 1)
        self.setValue(int(setting.default) if setting.default is not None else low - 1)
        self.setFixedWidth(NUMBER_WIDTH)
        self.valueChanged.connect(self.edited)

    def stepBy(self, steps: int) -> None:
        """Step by 1, or by 32 px; from the words, to the number beside the suggested one."""
        if self.value() == self._none_value:
            self.setValue(self._suggested + (1 if steps > 0 else -1))
        else:
            super().stepBy(steps)

    def suggest_value(self, value: str | float) -> None:
        """Show in the words for None the value that suits the purpose."""
        self._suggested = int(value)
        self.setSpecialValueText(_describe_suggestion(value))

    def chosen_value(self) -> SettingValue:
        """The value as TrainConfig takes it."""
        return None if self.value() == self._none_value else self.value()


class NumberEditor(QLineEdit):
    """A number as it is typed; an empty field stands for None. Whether the number is allowed, TrainConfig decides."""

    edited = Signal()

    def __init__(self, setting: SettingField) -> None:
        super().__init__("" if setting.default is None else f"{setting.default:g}")
        self.setPlaceholderText(tr(setting.rule.unset))
        self.setFixedWidth(NUMBER_WIDTH)
        self.textChanged.connect(self.edited)

    def suggest_value(self, value: str | float) -> None:
        """Show in the empty field, which stands for None, the value that suits the purpose."""
        self.setPlaceholderText(_describe_suggestion(value))

    def chosen_value(self) -> SettingValue:
        """The value as TrainConfig takes it; a text that is no number stays a text, which TrainConfig refuses."""
        text = self.text().strip().replace(",", ".")
        if not text:
            return None
        try:
            return float(text)
        except ValueError:
            return text


FoldedEditor = ChoiceEditor | WholeEditor | NumberEditor
Editor = FoldedEditor | RadioEditor
EDITORS: dict[type, Callable[[SettingField], FoldedEditor]] = {
    str: ChoiceEditor,
    int: WholeEditor,
    float: NumberEditor,
}


class TrainForm(QWidget):
    """The rows of the plan, and an editor for each of the other settings, hidden at first."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.plan = PlanRows()
        self.editors: dict[str, Editor] = {"purpose": self.plan.purpose, "class_level": self.plan.class_level}
        self._help_labels: dict[str, QLabel] = {}
        self.advanced = QWidget()
        self.experts_section = FoldedSection(tr("Settings for experts"), self.advanced)
        self._arrange_widgets()
        self.plan.duration.edited.connect(self._take_duration)
        self.plan.purpose.edited.connect(self._update_choices)
        self._update_choices()

    def read_config(self) -> TrainConfig:
        """The settings of the form. Raises LookalikeError with a sentence about a value that is not allowed."""
        return TrainConfig.from_dict({name: editor.chosen_value() for name, editor in self.editors.items()})

    def _arrange_widgets(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 16, 0)
        column.setSpacing(16)
        column.addWidget(self.plan)
        column.addWidget(self.experts_section)
        column.addStretch(1)
        settings = sorted(list_settings(TrainConfig), key=lambda setting: setting.rule.advanced)
        self._fill_grid(self.advanced, [setting for setting in settings if setting.name not in self.editors])

    def _fill_grid(self, parent: QWidget, settings: Iterable[SettingField]) -> None:
        cells = make_form_grid(parent, row_spacing=16)
        for row, setting in enumerate(settings):
            cells.addLayout(_create_name_labels(setting), row, 0, Qt.AlignmentFlag.AlignTop)
            cells.addLayout(self._create_editor(setting), row, 1, Qt.AlignmentFlag.AlignTop)

    def _create_editor(self, setting: SettingField) -> QVBoxLayout:
        editor = EDITORS[setting.kind](setting)
        self.editors[setting.name] = editor
        editor.setAccessibleName(display_name(setting))
        editor.setFixedHeight(EDITOR_HEIGHT)
        editor.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        editor.installEventFilter(self)
        editor.edited.connect(self._update_choices)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(editor)
        if setting.rule.choices:
            self._help_labels[setting.name] = make_label("", "caption", wrap=True)
            column.addWidget(self._help_labels[setting.name])
        return column

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the wheel scroll the form; it changes a setting only where that has the keyboard focus."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False

    def _update_choices(self) -> None:
        """Suggest values for the purpose, offer the miners that the loss can use, explain the current choices."""
        purpose = str(self.editors["purpose"].chosen_value())
        suited = PURPOSE_DEFAULTS[purpose]
        for name, value in suited._asdict().items():
            editor = self.editors[name]
            assert not isinstance(editor, RadioEditor)
            editor.suggest_value(value)
        loss, miner = str(self.editors["loss"].chosen_value() or suited.loss), self.editors["miner"]
        suited_miner = choose_miner(purpose, loss, str(self.editors["preset"].chosen_value()))
        assert isinstance(miner, ChoiceEditor)
        miner.offer_choices(
            LOSSES[loss].miners, tr("the one that suits loss and purpose ({suited_miner})", suited_miner=suited_miner)
        )
        for setting in list_settings(TrainConfig):
            if setting.name in self._help_labels:
                chosen = self.editors[setting.name].chosen_value()
                choice = chosen or {"loss": loss, "miner": suited_miner}[setting.name]
                self._help_labels[setting.name].setText(setting.rule.choices[str(choice)])
        recipe = str(self.editors["recipe"].chosen_value())
        self.plan.duration.choose_value("instant" if recipe == "auto" else recipe)
        self.changed.emit()

    def choose_recipe(self, recipe: str) -> None:
        """Choose a recipe, as the editor or the duration does."""
        editor = self.editors["recipe"]
        assert isinstance(editor, ChoiceEditor)
        editor.setCurrentIndex(editor.findData(recipe))

    def _take_duration(self) -> None:
        self.choose_recipe(str(self.plan.duration.chosen_value()))


def display_name(setting: SettingField) -> str:
    """The name of a field in words: 'Image size' for image_size."""
    return setting.name.replace("_", " ").capitalize()


def _describe_suggestion(value: str | float) -> str:
    return tr("{value}, suits the purpose", value=format_value(value))


def _create_name_labels(setting: SettingField) -> QVBoxLayout:
    name = make_label(display_name(setting), "name")
    help_label = make_label(tr(setting.rule.help), "caption", wrap=True)
    column = QVBoxLayout()
    column.setSpacing(2)
    for label in (name, help_label):
        label.setFixedWidth(NAME_WIDTH)
        column.addWidget(label)
    return column
