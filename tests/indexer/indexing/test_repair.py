"""What a library's active model is mended with: the model it has, with the preparation it was installed with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.errors import ModelError
from indexer.indexing.repair import _active_choice, mend_active_model
from indexer.library import Library
from indexer.models.card import CARD_FILE, DEFAULT_BACKBONE, WEIGHTS_FILE, read_card
from indexer.models.class_layer import PACKAGED_SOURCE
from indexer.models.installation import (
    ModelChoice,
    find_default_choice,
    find_installed_card,
    install_model,
)
from indexer.models.network import build_card, create_network, write_checkpoint
from indexer.progress import drain
from indexer.wording import BUILT_IN_FINGERPRINTS, name_model, name_model_fully

pytestmark = pytest.mark.usefixtures("engine")

# Of the default model in libraries from before the whole picture was seen: its centre square, 0.875 of the short side.
OLD_DEFAULT = "df3fe869dfae98346a393f67fdfc00311c7900cdf0930dd9f814cc6a82fda515"


@pytest.fixture
def old_library(library: Library) -> Iterator[Library]:
    """A library whose active model is the default one as it was; its converted form is missing."""
    network = create_network(framing="centre")
    folder = library.models_folder / OLD_DEFAULT
    card = write_checkpoint(network, folder, name=DEFAULT_BACKBONE, source=PACKAGED_SOURCE)
    assert card.fingerprint == OLD_DEFAULT
    library.store.models.add_model(card.fingerprint, card.name, card.dim)
    yield library


def test_a_library_with_an_older_default_model_is_mended_with_that(old_library: Library) -> None:
    assert _active_choice(old_library) == ModelChoice(framing="centre")
    assert find_installed_card(ModelChoice(), old_library.models_folder) is None
    card = find_installed_card(ModelChoice(framing="centre"), old_library.models_folder)
    assert card is not None
    assert card.fingerprint == OLD_DEFAULT


def test_the_built_in_model_is_known_by_its_fingerprint_not_by_its_name(old_library: Library) -> None:
    today = build_card(create_network(), name=DEFAULT_BACKBONE, source=PACKAGED_SOURCE)
    fingerprints = (OLD_DEFAULT, today.fingerprint)
    assert set(BUILT_IN_FINGERPRINTS) == set(fingerprints)
    for fingerprint in fingerprints:
        assert name_model(DEFAULT_BACKBONE, fingerprint) == name_model("lite0", fingerprint) == "Built-in"
        assert name_model("Mine", fingerprint) == "Mine"
    assert name_model(DEFAULT_BACKBONE, "0" * 64) == DEFAULT_BACKBONE
    assert name_model_fully(DEFAULT_BACKBONE, "0" * 64) == DEFAULT_BACKBONE


@pytest.mark.long
def test_the_default_model_of_a_damaged_card_is_known_by_its_fingerprint() -> None:
    assert find_default_choice(OLD_DEFAULT) == ModelChoice(framing="centre")
    today = build_card(create_network(), name=DEFAULT_BACKBONE, source=PACKAGED_SOURCE)
    assert find_default_choice(today.fingerprint) == ModelChoice()
    assert find_default_choice("0" * 64) is None


def test_a_model_that_only_has_the_name_of_the_default_installs_nothing(library: Library) -> None:
    library.store.models.add_model("0" * 64, DEFAULT_BACKBONE, 1280)
    with pytest.raises(ModelError, match="0000"):
        drain(mend_active_model(library))
    assert list(library.models_folder.glob("[0-9a-f]*")) == []


@pytest.mark.long
@pytest.mark.parametrize("damaged", [CARD_FILE, WEIGHTS_FILE, None])
def test_an_older_default_model_is_installed_again_as_it_was(old_library: Library, damaged: str | None) -> None:
    folder = old_library.models_folder / OLD_DEFAULT
    if damaged is not None:
        (folder / damaged).write_bytes(b"damaged")
    card = drain(mend_active_model(old_library))
    assert card.fingerprint == old_library.model_fingerprint == OLD_DEFAULT
    assert (card.preprocessing.framing, card.preprocessing.crop) == ("centre", 0.875)
    assert [path.name for path in old_library.models_folder.glob("[0-9a-f]*")] == [OLD_DEFAULT]


def test_a_new_library_sees_whole_pictures(installed_model: Path) -> None:
    preprocessing = read_card(installed_model).preprocessing
    assert (preprocessing.framing, preprocessing.crop, preprocessing.size) == ("letterbox", 1.0, 224)
    assert drain(install_model(ModelChoice(), installed_model.parent)).fingerprint == installed_model.name
