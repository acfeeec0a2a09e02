"""When the model that set-up has left for the tests is believed."""

from pathlib import Path

from tests.support.ready_model import compute_maker_key


def test_it_is_of_the_very_code_and_pictures(tmp_path: Path) -> None:
    for name in ("code/room/module.py", "samples/birds/a.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"before")
    keys = [compute_maker_key(tmp_path / "code", tmp_path / "samples")] * 2
    for name in ("code/room/module.py", "samples/birds/a.png", "code/room/other.py"):
        (tmp_path / name).write_bytes(b"after")
        keys.append(compute_maker_key(tmp_path / "code", tmp_path / "samples"))
    assert len(set(keys)) == 4
    (tmp_path / "code" / "room" / "note.txt").write_bytes(b"no code")
    assert compute_maker_key(tmp_path / "code", tmp_path / "samples") == keys[-1]
