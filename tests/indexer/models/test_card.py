"""A card from a stranger is checked field by field, and preprocessing crops as timm does."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from indexer.errors import ModelError
from indexer.models.card import CARD_FILE, Head, ModelCard, Preprocessing, check_location, read_card, serialise_card

INPUT = Preprocessing(224, 0.875, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
CARD = ModelCard("mine", "resnet18", 16, INPUT, Head(16), "a" * 64, "a test")
OTHERS = {
    "backbone": "resnet34",
    "dim": 32,
    "head": None,
    "weights_sha256": "b" * 64,
    "decode_version": 99,
    "preprocessing": replace(INPUT, size=160),
    "framing": replace(INPUT, framing="letterbox"),
}
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5)


def write_card(folder: Path, data: bytes) -> Path:
    (folder / CARD_FILE).write_bytes(data)
    return folder


def test_card_survives_the_disk(tmp_path: Path) -> None:
    assert read_card(write_card(tmp_path, serialise_card(CARD))) == CARD


@pytest.mark.parametrize("field", OTHERS)
def test_whatever_decides_the_embedding_changes_the_fingerprint(field: str) -> None:
    changed: dict[str, Any] = {"preprocessing" if field == "framing" else field: OTHERS[field]}
    assert replace(CARD, **changed).fingerprint != CARD.fingerprint


def test_cards_from_before_there_were_two_framings_keep_their_fingerprint_and_their_text() -> None:
    assert CARD.fingerprint == "55221192369cad16f0465087c9abae1556dca87ed8e8c92f364671494616f668"
    assert "framing" not in json.loads(serialise_card(CARD))["preprocessing"]
    assert INPUT.framing == "centre"
    weights = "4a809e6923bab0dbdc85374029503efb3a060ab8b5936143b7a036ee7e7e9990"
    default = ModelCard("tf_efficientnet_lite0", "tf_efficientnet_lite0", 1280, INPUT, None, weights, "a package")
    assert default.fingerprint == "df3fe869dfae98346a393f67fdfc00311c7900cdf0930dd9f814cc6a82fda515"


@pytest.mark.parametrize(
    ("framing", "crop", "reason"), [("fisheye", 1.0, "unknown"), ("letterbox", 0.875, "crops"), (None, 1.0, "text")]
)
def test_a_framing_that_is_none_is_refused(tmp_path: Path, framing: object, crop: float, reason: str) -> None:
    fields = json.loads(serialise_card(CARD))
    fields["preprocessing"] |= {"framing": framing, "crop": crop}
    with pytest.raises(ModelError, match=reason):
        read_card(write_card(tmp_path, json.dumps(fields).encode()))


def test_a_card_that_shows_whole_pictures_survives_the_disk(tmp_path: Path) -> None:
    card = replace(CARD, preprocessing=INPUT.show_whole_picture())
    assert read_card(write_card(tmp_path, serialise_card(card))) == card
    assert (card.preprocessing.crop, card.preprocessing.framing) == (1.0, "letterbox")


def test_name_and_source_do_not_change_the_fingerprint() -> None:
    assert replace(CARD, name="other", source="elsewhere").fingerprint == CARD.fingerprint


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"null",
        b"[" * 100_000,
        b'{"format": 1' + b"0" * 10_000 + b"}",
        serialise_card(CARD)[:-20],
        serialise_card(CARD).replace(b'"crop": 0.875', b'"crop": NaN'),
        serialise_card(CARD).replace(b'"crop": 0.875', b'"crop": 1e999'),
        serialise_card(CARD) + b" " * (1 << 20),
    ],
)
def test_what_is_no_card_is_refused_with_a_sentence(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ModelError, match=CARD_FILE):
        read_card(write_card(tmp_path, data))


@given(key=st.sampled_from(sorted(json.loads(serialise_card(CARD)))), value=JSON)
def test_no_changed_field_gets_through_or_crashes(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any
) -> None:
    fields = json.loads(serialise_card(CARD))
    folder = write_card(tmp_path_factory.getbasetemp(), json.dumps(fields | {key: value}).encode())
    try:
        card = read_card(folder)
    except ModelError:
        return
    assert card.fingerprint == CARD.fingerprint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_card_that_is_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / CARD_FILE)
    with pytest.raises(ModelError, match="not a regular file"):
        read_card(tmp_path)


def test_missing_card_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        read_card(tmp_path)


def test_model_in_the_folder_of_another_is_refused(tmp_path: Path) -> None:
    check_location(CARD, tmp_path / CARD.fingerprint)
    with pytest.raises(ModelError, match="another model"):
        check_location(CARD, tmp_path / ("0" * 64))


def test_model_for_another_decoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="decoded"):
        check_location(replace(CARD, decode_version=99), tmp_path)


def test_input_is_the_centre_square_of_the_stated_share() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 300, 3), dtype=np.uint8)
    assert np.array_equal(INPUT.prepare(Image.fromarray(pixels)), pixels[16:240, 38:262])


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 7)])
def test_any_picture_becomes_an_input(shape: tuple[int, int]) -> None:
    prepared = INPUT.prepare(Image.new("L", shape, 77))
    assert prepared.shape == (224, 224, 3)
    assert prepared.dtype == np.uint8
    assert (prepared == 77).all()


def test_short_side_is_enough_for_the_crop_not_to_enlarge() -> None:
    assert INPUT.short_side == 256
    assert replace(INPUT, size=65, crop=0.9).short_side * 0.9 >= 65
