"""The settings of a training as a form, made from TrainConfig's fields: each with its name, help and choices."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QSizePolicy, QSpinBox, QVBoxLayout, QWidget

from retrieval_app.widgets.controls import make_button, make_label
from training.settings.choices import LOSSES, PURPOSE_DEFAULTS, choose_miner
from training.settings.config import SettingField, SettingValue, TrainConfig, format_value, list_settings

NAME_WIDTH, EDITOR_HEIGHT, NUMBER_WIDTH = 176, 28, 184  # px


class ChoiceEditor(QComboBox):
    """One of the field's choices; the first entry is None where that is allowed."""

    edited = Signal()

    def __init__(self, setting: SettingField) -> None:
        super().__init__()
        self._setting = setting
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)  # a long choice is cut rather than widening the form
        self.offer_choices(setting.rule.choices, setting.rule.unset)
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
        """Say what suits the purpose, the first entry."""
        self.setItemText(0, f"the one that suits the purpose ({value})")

    def chosen_value(self) -> SettingValue:
        """The value as TrainConfig takes it."""
        return None if self.currentData() is None else str(self.currentData())


class WholeEditor(QSpinBox):
    """A whole number within the field's range; one below it, shown in words, is None."""

    edited = Signal()

    def __init__(self, setting: SettingField) -> None:
        super().__init__()
        low, high = int(setting.rule.low), int(setting.rule.high)
        self._none_value = low - 1 if setting.allows_none else None
        self._suggested = low - 1  # the number that the words stand for, where it is known
        self.setRange(low if self._none_value is None else self._none_value, high)
        if self._none_value is not None:
            self.setSpecialValueText(setting.rule.unset)
        self.setSingleStep(32 if setting.name == "image_size" else 1)
        self.setValue(int(setting.default) if setting.default is not None else low - 1)
        self.setFixedWidth(NUMBER_WIDTH)
        self.valueChanged.connect(self.edited)

    def stepBy(self, steps: int) -> None:
        """From the words the first step leads beside the number they stand for, else to the least."""
        if self.value() == self._none_value:
            self.setValue(self._suggested + (1 if steps > 0 else -1))
        else:
            super().stepBy(steps)

    def suggest_value(self, value: str | float) -> None:
        """Say what suits the purpose, in place of no number."""
        self._suggested = int(value)
        self.setSpecialValueText(_describe_suggestion(value))

    def chosen_value(self) -> SettingValue:
        """The value as TrainConfig takes it."""
        return None if self.value() == self._none_value else self.value()


class NumberEditor(QLineEdit):
    """A number as it is typed; nothing is None where that is allowed. TrainConfig judges the rest."""

    edited = Signal()

    def __init__(self, setting: SettingField) -> None:
        super().__init__("" if setting.default is None else f"{setting.default:g}")
        self.setPlaceholderText(setting.rule.unset)
        self.setFixedWidth(NUMBER_WIDTH)
        self.textChanged.connect(self.edited)

    def suggest_value(self, value: str | float) -> None:
        """Say what suits the purpose, in place of no number."""
        self.setPlaceholderText(_describe_suggestion(value))

    def chosen_value(self) -> SettingValue:
        """The value as TrainConfig takes it; what is no number stays a text, which it refuses."""
        text = self.text().strip().replace(",", ".")
        if not text:
            return None
        try:
            return float(text)
        except ValueError:
            return text


Editor = ChoiceEditor | WholeEditor | NumberEditor
EDITORS: dict[type, Callable[[SettingField], Editor]] = {str: ChoiceEditor, int: WholeEditor, float: NumberEditor}


class TrainForm(QWidget):
    """All settings; the advanced ones are folded away."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.editors: dict[str, Editor] = {}
        self._help_labels: dict[str, QLabel] = {}
        self.more_button = make_button("More settings", "link")
        self.more_button.setStyleSheet("padding-left: 0; padding-right: 0;")  # in line with the names
        self.advanced = QWidget()
        self._arrange_widgets()
        self.advanced.hide()
        self.more_button.clicked.connect(self._toggle_advanced)
        self._update_choices()

    def read_config(self) -> TrainConfig:
        """What is set; LookalikeError says what does not go."""
        return TrainConfig.from_dict({name: editor.chosen_value() for name, editor in self.editors.items()})

    def _arrange_widgets(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 16, 0)
        column.setSpacing(16)
        common = QWidget()
        column.addWidget(common)
        column.addWidget(self.more_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.advanced)
        column.addStretch(1)
        settings = list_settings(TrainConfig)
        self._fill_grid(common, [setting for setting in settings if not setting.rule.advanced])
        self._fill_grid(self.advanced, [setting for setting in settings if setting.rule.advanced])

    def _fill_grid(self, place: QWidget, settings: Iterable[SettingField]) -> None:
        cells = QGridLayout(place)
        cells.setContentsMargins(0, 0, 0, 0)
        cells.setHorizontalSpacing(16)
        cells.setVerticalSpacing(16)
        cells.setColumnMinimumWidth(0, NAME_WIDTH)
        cells.setColumnStretch(1, 1)
        for row, setting in enumerate(settings):
            cells.addLayout(_create_name_labels(setting), row, 0, Qt.AlignmentFlag.AlignTop)
            cells.addLayout(self._create_editor(setting), row, 1, Qt.AlignmentFlag.AlignTop)

    def _create_editor(self, setting: SettingField) -> QVBoxLayout:
        editor = self.editors[setting.name] = EDITORS[setting.kind](setting)
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
        """The wheel scrolls the form and changes no setting on its way, unless that has the focus."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False

    def _update_choices(self) -> None:
        """Say what suits the purpose; offer only miners that the loss takes; say what the current choices mean."""
        purpose = str(self.editors["purpose"].chosen_value())
        suited = PURPOSE_DEFAULTS[purpose]
        for name, value in suited._asdict().items():
            self.editors[name].suggest_value(value)
        loss, miner = str(self.editors["loss"].chosen_value() or suited.loss), self.editors["miner"]
        usual = choose_miner(purpose, loss, str(self.editors["preset"].chosen_value()))
        assert isinstance(miner, ChoiceEditor)
        miner.offer_choices(LOSSES[loss].miners, f"the one that suits loss and purpose ({usual})")
        for setting in list_settings(TrainConfig):
            if setting.rule.choices:
                chosen = self.editors[setting.name].chosen_value() or {"loss": loss, "miner": usual}[setting.name]
                self._help_labels[setting.name].setText(setting.rule.choices[str(chosen)])
        self.changed.emit()

    def _toggle_advanced(self) -> None:
        self.advanced.setVisible(self.advanced.isHidden())
        self.more_button.setText("More settings" if self.advanced.isHidden() else "Fewer settings")


def display_name(setting: SettingField) -> str:
    """The field's name for people: 'Image size'."""
    return setting.name.replace("_", " ").capitalize()


def _describe_suggestion(value: str | float) -> str:
    return f"{format_value(value)}, suits the purpose"


def _create_name_labels(setting: SettingField) -> QVBoxLayout:
    name = make_label(display_name(setting), "name")
    help_ = make_label(setting.rule.help, "caption", wrap=True)
    column = QVBoxLayout()
    column.setSpacing(2)
    for line in (name, help_):
        line.setFixedWidth(NAME_WIDTH)
        column.addWidget(line)
    return column
