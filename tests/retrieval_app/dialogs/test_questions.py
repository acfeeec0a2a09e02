"""A question changes nothing by itself: its default answer keeps everything as it is."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from retrieval_app.dialogs.questions import ask_question, make_message_box, wait_for_answer
from tests.support.message_boxes import find_question, press_answer
from tests.support.window_waits import wait_for


def test_enter_keeps_everything_and_the_box_goes(qtbot: QtBot) -> None:
    parent, done = QWidget(), list[str]()
    qtbot.addWidget(parent)
    ask_question(make_message_box(parent, "Delete <b>it</b>?", "It goes."), "Delete it", lambda: done.append("it"))
    box = find_question(qtbot, parent)
    assert (box.text(), box.textFormat()) == ("Delete <b>it</b>?", Qt.TextFormat.PlainText)
    assert [button.text() for button in box.buttons()] == ["Delete it", "Keep as it is"]
    QTest.keyClick(box, Qt.Key.Key_Return)
    wait_for(qtbot, lambda: not parent.findChildren(QMessageBox))
    assert done == []


def test_the_other_button_acts_once(qtbot: QtBot) -> None:
    parent, done = QWidget(), list[str]()
    qtbot.addWidget(parent)
    ask_question(make_message_box(parent, "Delete it?"), "Delete it", lambda: done.append("it"), keep_text="Keep it")
    press_answer(find_question(qtbot, parent), "Delete it")
    wait_for(qtbot, lambda: not parent.findChildren(QMessageBox))
    assert done == ["it"]


def test_a_waiting_question_tells_which_button_was_pressed(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    for key, answer in ((Qt.Key.Key_Return, False), (Qt.Key.Key_Escape, False), (None, True)):
        box = make_message_box(parent, "Give it up?")
        press = press_answer if key is None else QTest.keyClick
        QTimer.singleShot(0, lambda box=box, press=press, key=key: press(box, key or "Give it up"))
        assert wait_for_answer(box, "Give it up", "Go on") is answer
