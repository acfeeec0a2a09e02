"""What a screen reader is told of the window: role, name and whether it is seen, of everything in it, as lines of JSON.

Run by the system's own Python, for which Debian has pyatspi: /usr/bin/python3 screen_reader.py
"""

import json
from typing import Any

import pyatspi


def print_tree(item: Any) -> None:
    """Print an accessible object and all in it, menus left out."""
    is_seen = item.getState().contains(pyatspi.STATE_SHOWING)
    print(json.dumps({"role": item.getRoleName(), "name": item.name, "seen": is_seen}), flush=True)
    for child in item:
        if child is not None and child.getRole() != pyatspi.ROLE_MENU_BAR:
            print_tree(child)


for program in pyatspi.Registry.getDesktop(0):
    if program.name == "lookalike":
        print_tree(program)
