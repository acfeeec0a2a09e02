"""One class reads what a training leaves behind, from its checkpoint as from what the command says."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.errors import LookalikeError
from indexer.models.card import CARD_FILE, read_card, read_json
from tests.support.commands import Tell
from tests.support.quick_training import Trained
from training.judging.record import (
    HIT_RANKS,
    TrainingRecord,
    parse_record,
    read_record,
    read_report_data,
    rename_checkpoint,
)


@pytest.fixture(scope="module")
def record(trained: Trained) -> TrainingRecord:
    return read_record(trained.result.checkpoint)


def test_a_record_holds_the_figures_of_the_verdict(trained: Trained, record: TrainingRecord) -> None:
    result = trained.result
    for recorded, measured in (
        *zip(record.pretrained, result.baseline.pretrained, strict=True),
        (record.before, result.verdict.before),
        (record.after, result.verdict.after),
    ):
        figures = measured.figures
        hit_rates = tuple(figures.hit_at_k[rank] for rank in HIT_RANKS)
        assert recorded == (measured.name, figures.p_at_1, figures.r_precision, figures.map_at_r, hit_rates)
    assert record.map_at_r_change == (
        *(getattr(result.verdict.map_at_r_change, name) for name in ("mean", "low", "high")),
        result.verdict.resampling_unit,
    )
    assert record.epochs == result.fit.epochs
    assert [example.query.path for example in record.examples] == [one.query for one in result.verdict.examples]
    assert record.parts == {name: len(part) for name, part in result.parts._asdict().items()}
    assert len(record.unreadable) == 1


def test_a_checkpoint_and_the_command_tell_the_same(trained: Trained, record: TrainingRecord) -> None:
    told = parse_record(json.loads(json.dumps(trained.result.fields())))
    assert replace(record, provenance={}) == told
    assert set(record.provenance) >= {"fingerprint", "torch"}
    assert read_report_data(trained.result.checkpoint) is not None


@pytest.mark.parametrize("key", ["pretrained", "change", "config", "epochs", "examples", "thresholds", "unreadable"])
@pytest.mark.parametrize("damage", [5, [[1]], "text", [1e400]])
def test_fields_of_another_shape_are_a_value_error(trained: Trained, key: str, damage: object) -> None:
    with pytest.raises(ValueError, match="no record of a training"):
        parse_record(trained.result.fields() | {key: damage})


@pytest.mark.parametrize("key", ["source", "verdict", "queries", "after"])
def test_a_missing_field_is_a_value_error(trained: Trained, key: str) -> None:
    fields = {name: value for name, value in trained.result.fields().items() if name != key}
    with pytest.raises(ValueError, match="no record of a training"):
        parse_record(fields)


def test_a_checkpoint_is_renamed_in_its_card_and_its_record_and_stays_the_same_model(
    trained: Trained, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(trained.result.checkpoint, tmp_path / "made today"))
    before, card_before = read_record(folder), read_json(folder / CARD_FILE)
    assert before.name == trained.result.checkpoint.name  # as records of earlier versions have none
    rename_checkpoint(folder, " Roses of 2026 ")
    assert read_record(folder) == replace(before, name="Roses of 2026")
    assert read_json(folder / CARD_FILE) == card_before | {"name": "Roses of 2026"}
    assert read_card(folder).fingerprint == card_before["fingerprint"]


def test_a_command_renames_a_training_and_refuses_what_is_none(trained: Trained, tmp_path: Path, tell: Tell) -> None:
    folder = Path(shutil.copytree(trained.result.checkpoint, tmp_path / "made today"))
    said = tell(tmp_path / "home", "rename", folder, "Roses of 2026")
    assert (said.code, read_record(folder).name) == (0, "Roses of 2026")
    assert "is called Roses of 2026 now." in said.out
    refused = tell(tmp_path / "home", "rename", tmp_path, "Roses")
    assert refused.code == 2
    assert "is no checkpoint of a training" in refused.err


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 101])
def test_what_is_no_name_is_refused(trained: Trained, name: str) -> None:
    with pytest.raises(LookalikeError, match="a word or a few"):
        rename_checkpoint(trained.result.checkpoint, name)
