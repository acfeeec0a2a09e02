"""What a screen reader hears of the window: asked by pyatspi on a session bus, with the window on a real X server."""

import json
import os
import re
import sys
from pathlib import Path

from tests.support.commands import ROOT, run_patiently
from tests.support.library_copies import copy_library

PROGRAM = """
import subprocess, sys, threading
from PySide6.QtTest import QTest
from retrieval_app.app import build_application
app, window = build_application(["lookalike"])
window.show()
search, grid = window.session.search, window.search_page.results.grid
while not len(search.listing.ids): QTest.qWait(20)
search.toggle_query_photo(int(search.listing.ids[0]))
while search.listing.result is None or not window.tiles.is_idle(): QTest.qWait(20)
grid.go_to(3)
reader = threading.Thread(target=lambda: subprocess.run(["/usr/bin/python3", sys.argv[1]]))
reader.start()
while reader.is_alive(): QTest.qWait(20)
window.close()
"""
BUS = '/usr/libexec/at-spi-bus-launcher --launch-immediately & exec xvfb-run -a "$@"'
WITH_NAMES = {"push button", "toggle button", "check box", "combo box", "slider", "text", "page tab", "spin button"}


def test_a_screen_reader_hears_where_it_is(indexed: Path, tmp_path: Path) -> None:
    copy_library(indexed, tmp_path / "default.library")
    environment = {**os.environ, "LOOKALIKE_HOME": str(tmp_path), "QT_QPA_PLATFORM": "xcb"}
    environment |= {"QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1", "PYTHONPATH": str(ROOT)}
    window = [sys.executable, "-c", PROGRAM, str(ROOT / "tests" / "support" / "screen_reader.py")]
    said = run_patiently(["dbus-run-session", "--", "sh", "-c", BUS, "sh", *window], env=environment)
    items = [json.loads(line) for line in said.out.splitlines() if line.startswith("{")]
    seen = [(item["role"], item["name"]) for item in items if item["seen"]]
    assert seen, said.err
    pages = ["Search", "Duplicates", "Map", "Evaluate", "Models", "Library", "Label"]
    assert [name for role, name in seen if role == "page tab"] == pages
    names = {name for _, name in seen}
    assert {"Query", "Results", "Details"} <= names
    tile = r"Photos, photo 4 of 24, \S+\.png, (disc|bar|ring|\w+), distance \d\.\d{3}, [a-z ]+"
    assert [name for name in names if re.fullmatch(tile, name)], names
    assert [item for item in seen if item[0] in WITH_NAMES and not item[1]] == []
