"""The settings of a training as a form, made from TrainConfig's fields: each with its name, help and choices."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QSizePolicy, QSpinBox, QVBoxLayout, QWidget

from retrieval_app.widgets.controls import button, label
from training.settings.choices import LOSSES, SUITED, usual_miner
from training.settings.config import Field, TrainConfig, Value, fields_of, in_words

NAME_WIDTH, HEIGHT, NUMBER_WIDTH = 176, 28, 184  # px


class ChoiceEditor(QComboBox):
    """One of the field's choices; the first entry is None where that is allowed."""

    edited = Signal()

    def __init__(self, setting: Field) -> None:
        super().__init__()
        self._setting = setting
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)  # a long choice is cut rather than widening the form
        self.offer(setting.rule.choices, setting.rule.unset)
        self.setCurrentIndex(max(0, self.findData(setting.default)))
        self.currentIndexChanged.connect(self.edited)

    def offer(self, names: Iterable[str], unset: str) -> None:
        """Offer these names only; a choice that is no longer among them becomes the first entry."""
        chosen = self.currentData()
        self.blockSignals(True)
        self.clear()
        if self._setting.optional:
            self.addItem(unset, None)
        for name in names:
            self.addItem(name, name)
        self.setCurrentIndex(max(0, self.findData(chosen)))
        self.blockSignals(False)

    def suggest(self, value: str | float) -> None:
        """Say what suits the purpose, the first entry."""
        self.setItemText(0, f"the one that suits the purpose ({value})")

    def chosen(self) -> Value:
        """The value as TrainConfig takes it."""
        return None if self.currentData() is None else str(self.currentData())


class WholeEditor(QSpinBox):
    """A whole number within the field's range; one below it, shown in words, is None."""

    edited = Signal()

    def __init__(self, setting: Field) -> None:
        super().__init__()
        low, high = int(setting.rule.low), int(setting.rule.high)
        self._none = low - 1 if setting.optional else None
        self._usual = low - 1  # the number that the words stand for, where it is known
        self.setRange(low if self._none is None else self._none, high)
        if self._none is not None:
            self.setSpecialValueText(setting.rule.unset)
        self.setSingleStep(32 if setting.name == "image_size" else 1)
        self.setValue(int(setting.default) if setting.default is not None else low - 1)
        self.setFixedWidth(NUMBER_WIDTH)
        self.valueChanged.connect(self.edited)

    def stepBy(self, steps: int) -> None:
        """From the words the first step leads beside the number they stand for, else to the least."""
        if self.value() == self._none:
            self.setValue(self._usual + (1 if steps > 0 else -1))
        else:
            super().stepBy(steps)

    def suggest(self, value: str | float) -> None:
        """Say what suits the purpose, in place of no number."""
        self._usual = int(value)
        self.setSpecialValueText(_suits(value))

    def chosen(self) -> Value:
        """The value as TrainConfig takes it."""
        return None if self.value() == self._none else self.value()


class NumberEditor(QLineEdit):
    """A number as it is typed; nothing is None where that is allowed. TrainConfig judges the rest."""

    edited = Signal()

    def __init__(self, setting: Field) -> None:
        super().__init__("" if setting.default is None else f"{setting.default:g}")
        self.setPlaceholderText(setting.rule.unset)
        self.setFixedWidth(NUMBER_WIDTH)
        self.textChanged.connect(self.edited)

    def suggest(self, value: str | float) -> None:
        """Say what suits the purpose, in place of no number."""
        self.setPlaceholderText(_suits(value))

    def chosen(self) -> Value:
        """The value as TrainConfig takes it; what is no number stays a text, which it refuses."""
        text = self.text().strip().replace(",", ".")
        if not text:
            return None
        try:
            return float(text)
        except ValueError:
            return text


Editor = ChoiceEditor | WholeEditor | NumberEditor
EDITORS: dict[type, Callable[[Field], Editor]] = {str: ChoiceEditor, int: WholeEditor, float: NumberEditor}


class TrainForm(QWidget):
    """All settings; the advanced ones are folded away."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.editors: dict[str, Editor] = {}
        self._helps: dict[str, QLabel] = {}
        self.more = button("More settings", "link")
        self.more.setStyleSheet("padding-left: 0; padding-right: 0;")  # in line with the names
        self.advanced = QWidget()
        self._arrange()
        self.advanced.hide()
        self.more.clicked.connect(self._fold)
        self._adapt()

    def config(self) -> TrainConfig:
        """What is set; LookalikeError says what does not go."""
        return TrainConfig.from_dict({name: editor.chosen() for name, editor in self.editors.items()})

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 16, 0)
        column.setSpacing(16)
        common = QWidget()
        column.addWidget(common)
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.advanced)
        column.addStretch(1)
        settings = fields_of(TrainConfig)
        self._fill(common, [setting for setting in settings if not setting.rule.advanced])
        self._fill(self.advanced, [setting for setting in settings if setting.rule.advanced])

    def _fill(self, place: QWidget, settings: Iterable[Field]) -> None:
        cells = QGridLayout(place)
        cells.setContentsMargins(0, 0, 0, 0)
        cells.setHorizontalSpacing(16)
        cells.setVerticalSpacing(16)
        cells.setColumnMinimumWidth(0, NAME_WIDTH)
        cells.setColumnStretch(1, 1)
        for row, setting in enumerate(settings):
            cells.addLayout(_named(setting), row, 0, Qt.AlignmentFlag.AlignTop)
            cells.addLayout(self._edited(setting), row, 1, Qt.AlignmentFlag.AlignTop)

    def _edited(self, setting: Field) -> QVBoxLayout:
        editor = self.editors[setting.name] = EDITORS[setting.kind](setting)
        editor.setAccessibleName(spoken(setting))
        editor.setFixedHeight(HEIGHT)
        editor.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        editor.installEventFilter(self)
        editor.edited.connect(self._adapt)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(editor)
        if setting.rule.choices:
            self._helps[setting.name] = label("", "caption", wrap=True)
            column.addWidget(self._helps[setting.name])
        return column

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The wheel scrolls the form and changes no setting on its way, unless that has the focus."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False

    def _adapt(self) -> None:
        """Say what suits the purpose; offer only miners that the loss takes; say what the current choices mean."""
        purpose = str(self.editors["purpose"].chosen())
        suited = SUITED[purpose]
        for name, value in suited._asdict().items():
            self.editors[name].suggest(value)
        loss, miner = str(self.editors["loss"].chosen() or suited.loss), self.editors["miner"]
        usual = usual_miner(purpose, loss, str(self.editors["preset"].chosen()))
        assert isinstance(miner, ChoiceEditor)
        miner.offer(LOSSES[loss].miners, f"the one that suits loss and purpose ({usual})")
        for setting in fields_of(TrainConfig):
            if setting.rule.choices:
                chosen = self.editors[setting.name].chosen() or {"loss": loss, "miner": usual}[setting.name]
                self._helps[setting.name].setText(setting.rule.choices[str(chosen)])
        self.changed.emit()

    def _fold(self) -> None:
        self.advanced.setVisible(self.advanced.isHidden())
        self.more.setText("More settings" if self.advanced.isHidden() else "Fewer settings")


def spoken(setting: Field) -> str:
    """The field's name for people: 'Image size'."""
    return setting.name.replace("_", " ").capitalize()


def _suits(value: str | float) -> str:
    return f"{in_words(value)}, suits the purpose"


def _named(setting: Field) -> QVBoxLayout:
    name = label(spoken(setting), "name")
    help_ = label(setting.rule.help, "caption", wrap=True)
    column = QVBoxLayout()
    column.setSpacing(2)
    for line in (name, help_):
        line.setFixedWidth(NAME_WIDTH)
        column.addWidget(line)
    return column
