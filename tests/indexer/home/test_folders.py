"""Where libraries and models are kept can be chosen; what lay in the folder before is still found."""

import json
import os
from pathlib import Path

import pytest

from indexer.cli.terminal import run_command
from indexer.errors import LookalikeError
from indexer.home.folders import find_home_folder, find_models_folder, list_home_folders, list_models_folders
from indexer.home.settings_file import (
    FORMER_KEYS,
    HOME_KEY,
    MODELS_KEY,
    SETTINGS_FILE,
    find_settings_folder,
    parse_paths,
    write_paths,
)
from indexer.library import Library
from indexer.models.hub import find_download_folder
from indexer.models.prepared import list_prepared_folders
from indexer.places import find_library, list_libraries, measure_home, require_home_place
from indexer.progress import drain
from retrieval_app.commands import lookalike_command
from tests.support.trees import paint


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data folder, with nothing in the environment that names another."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("LOOKALIKE_HOME")
    return find_settings_folder()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def choose(data: Path, **folders: list[Path]) -> None:
    data.mkdir(parents=True, exist_ok=True)
    lines = [f"{key}={write_paths(paths)}\n" for key, paths in folders.items()]
    (data / SETTINGS_FILE).write_text("[General]\ntheme=dark\n" + "".join(lines), encoding="utf-8")


def test_a_chosen_home_takes_what_is_new_and_the_former_one_stays_listed(data: Path, tmp_path: Path) -> None:
    Library.create(data / "default.library").close()
    new, former = tmp_path / "ü %20 =;", tmp_path / "former"
    for folder in (new, former):
        folder.mkdir()
    Library.create(former / "old.library").close()
    choose(data, **{HOME_KEY: [new], FORMER_KEYS[HOME_KEY]: [former]})
    assert find_home_folder() == new
    assert list_home_folders() == [new, former, data]
    assert find_settings_folder() == data
    assert find_models_folder() == new / "models"
    assert find_download_folder() == new / "downloads"
    assert list_models_folders() == [new / "models", former / "models", data / "models"]
    assert list_libraries() == [former / "old.library", data / "default.library"]
    assert find_library() == data / "default.library"
    Library.create(new / "default.library").close()
    assert find_library() == new / "default.library"


def test_chosen_models_lie_apart_from_the_home(data: Path, tmp_path: Path) -> None:
    models, former = tmp_path / "models here", tmp_path / "former models"
    models.mkdir()
    choose(data, **{MODELS_KEY: [models], FORMER_KEYS[MODELS_KEY]: [former]})
    assert find_home_folder() == data
    assert find_models_folder() == models
    assert find_download_folder() == models / "downloads"
    assert list_prepared_folders()[:3] == (models, former, data / "models")
    assert list_prepared_folders()[-1] == Path(os.environ["LOOKALIKE_MODELS"])


def test_a_chosen_folder_that_is_not_there_is_not_made(data: Path, tmp_path: Path) -> None:
    choose(data, **{HOME_KEY: [tmp_path / "drive"], MODELS_KEY: [tmp_path / "drive" / "models"]})
    assert find_home_folder() == data
    assert find_models_folder() == data / "models"
    assert not (tmp_path / "drive").exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_doctor_tells_the_folders_that_count(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], is_there: bool
) -> None:
    home, models = tmp_path / "drive", tmp_path / "drive" / "models of mine"
    if is_there:
        models.mkdir(parents=True)
    choose(data, **{HOME_KEY: [home], MODELS_KEY: [models]})
    assert run_command(lookalike_command.main, ["doctor", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    expected = {"home": home, "models": models} if is_there else {"home": data, "models": data / "models"}
    assert {key: told[key] for key in expected} == {key: str(folder) for key, folder in expected.items()}
    assert told["settings"] == str(data / SETTINGS_FILE)


def test_the_variable_wins_over_the_settings(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given_home, chosen = tmp_path / "given", tmp_path / "chosen"
    chosen.mkdir()
    choose(data, **{HOME_KEY: [chosen]})
    choose(given_home, **{HOME_KEY: [chosen], FORMER_KEYS[HOME_KEY]: [data]})
    monkeypatch.setenv("LOOKALIKE_HOME", str(given_home))
    assert list_home_folders() == [given_home]
    assert find_models_folder() == given_home / "models"


@pytest.mark.parametrize("text", ["", "relative", "%ff%00", '"'])
def test_settings_that_name_no_folder_leave_the_usual_one(data: Path, text: str) -> None:
    data.mkdir(parents=True)
    (data / SETTINGS_FILE).write_bytes(b"[General]\nhome=" + text.encode() + b"\n")
    assert find_home_folder() == data


def test_any_path_is_kept() -> None:
    paths = [Path("/", os.fsdecode(name)) for name in (b"a b", b"%20", b'\xff\n;,="', "ü".encode(), b"..")]
    assert parse_paths(write_paths(paths)) == paths


def test_a_folder_among_photos_in_a_library_or_that_cannot_be_written_is_refused(home: Path, tmp_path: Path) -> None:
    good, among, inside = tmp_path / "good", tmp_path / "photos" / "below", home / "some.library"
    good.mkdir()
    paint(among / "x.png", 7)
    with Library.create(inside) as library:
        library.store.files.add_root(bytes(tmp_path.resolve() / "root"), labelled=False)
    (tmp_path / "root" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "root")
    require_home_place(good)
    require_home_place(home)
    for folder, reason in (
        (among, "holds pictures"),
        (inside, "lies in a library"),
        (inside / "models", "is no folder"),
        (tmp_path / "root", "lies in a photo folder"),
        (tmp_path / "root" / "deep", "lies in a photo folder"),
        (tmp_path / "link", "lies in a photo folder"),
        (Path("/proc"), "cannot be written to"),
    ):
        with pytest.raises(LookalikeError, match=reason):
            require_home_place(folder)
    assert not list(good.iterdir())


def test_a_home_is_measured_without_what_is_not_ours(home: Path) -> None:
    (home / "a.library").mkdir()
    (home / "a.library" / "x").write_bytes(b"12345")
    (home / "checkpoints" / "c").mkdir(parents=True)
    (home / "checkpoints" / "c" / "y").write_bytes(b"123")
    (home / "film.mp4").write_bytes(b"1" * 1000)
    assert drain(measure_home(home)) == 8
