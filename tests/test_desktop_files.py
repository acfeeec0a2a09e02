"""What a desktop reads of the program: its entry in the menu, its icon, and its page in a software centre."""

import configparser
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from retrieval_app.commands import lookalike_command
from tests.support.commands import ROOT

DESKTOP = ROOT / "assets" / "desktop"
ENTRY = DESKTOP / "org.lookalike.Lookalike.desktop"
METAINFO = DESKTOP / "org.lookalike.Lookalike.metainfo.xml"


def read_entry(path: Path = ENTRY) -> configparser.ConfigParser:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[method-assign,assignment]
    entry.read(path, encoding="utf-8")
    return entry


@pytest.mark.parametrize(
    "command",
    [["desktop-file-validate", str(ENTRY)], ["appstreamcli", "validate", "--no-net", "--pedantic", str(METAINFO)]],
)
def test_the_validators_of_the_desktop_have_nothing_to_say(command: list[str]) -> None:
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def test_what_the_menu_starts_is_a_command_with_these_options() -> None:
    entry = read_entry()
    for section in entry.sections():
        program, command, *options = entry[section]["Exec"].split()
        assert program == "lookalike"
        known = {name for option in lookalike_command.commands[command].params for name in option.opts}
        assert {option for option in options if option.startswith("-")} <= known
    assert entry["Desktop Entry"]["Icon"] == next(DESKTOP.glob("*.svg")).stem


def test_the_file_manager_offers_to_find_what_is_similar() -> None:
    menu, entry = read_entry(DESKTOP / "servicemenu.desktop"), read_entry()
    action = menu["Desktop Action find-similar"]
    assert (action["Exec"], menu["Desktop Entry"]["Actions"]) == (entry["Desktop Entry"]["Exec"], "find-similar;")
    pictures = set(entry["Desktop Entry"]["MimeType"].split(";")) - {"inode/directory"}
    assert set(menu["Desktop Entry"]["MimeType"].split(";")) == pictures
    assert "kio/servicemenus/lookalike.desktop" in (ROOT / ".ci" / "deb").read_text(encoding="utf-8")


def test_the_page_of_the_software_centre_tells_of_this_version() -> None:
    page = ET.parse(METAINFO).getroot()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    newest = page.find("releases/release")
    assert newest is not None and newest.get("version") == version
    assert page.findtext("launchable") == ENTRY.name


def test_what_a_bundle_brings_along_is_what_the_program_needs() -> None:
    """The edition light leaves out packages that the project names, and no others."""
    listing = {
        edition: subprocess.run(
            [sys.executable, str(ROOT / "assets" / "packaging" / "list_requirements.py"), edition],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for edition in ("light", "full")
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["dependencies"]) <= set(listing["full"])
    left_out = set(listing["full"]) - set(listing["light"])
    assert len(left_out) == 7 and any(line.startswith("torch>=") for line in left_out)
