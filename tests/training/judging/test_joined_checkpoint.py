from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.architectures.joined_network import JoinedMember, name_joined, parse_joined
from indexer.errors import LookalikeError, ModelError
from indexer.models.backbones import create_untrained, require_known_name
from indexer.models.card import Head, read_card, read_seen_hashes
from indexer.models.installation import install_model, parse_model_choice
from indexer.models.model import load_model
from indexer.models.network import EmbeddingNetwork, load_network, write_checkpoint
from indexer.progress import drain
from tests.support.commands import lookalike
from training.judging.joined_checkpoint import join_checkpoints
from training.studies.ensemble import join_embeddings

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 3), dtype=np.uint8)


def make_member(folder: Path, seed: int, head: Head | None, seen: int) -> Path:
    torch.manual_seed(seed)
    network = EmbeddingNetwork(create_untrained("course"), head).eval()
    hashes = np.full((1, 32), seen, np.uint8)
    write_checkpoint(network, folder, name=folder.name, source="test", seen_hashes=hashes)
    return folder


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three networks: with a head, with one for unit vectors, and without."""
    place = tmp_path_factory.mktemp("members")
    heads = (Head(8), Head(5, "unit-linear"), None)
    return [make_member(place / f"m{number}", number, head, seen=number) for number, head in enumerate(heads)]


def test_the_embedding_is_all_of_theirs_side_by_side(members: list[Path], tmp_path: Path) -> None:
    joined = join_checkpoints(members, tmp_path / "joined")
    batch = torch.from_numpy(PIXELS)
    with torch.no_grad():
        alone = [load_network(folder)(batch).embedding.numpy() for folder in members]
        together = load_network(tmp_path / "joined")(batch).embedding.numpy()
    np.testing.assert_allclose(together, join_embeddings(alone), atol=1e-6)
    assert (joined.members, joined.card.dim) == (3, 8 + 5 + 256)
    assert joined.card == read_card(tmp_path / "joined")
    assert sorted(read_seen_hashes(tmp_path / "joined")[:, 0].tolist()) == [0, 1, 2]


def test_it_is_installed_and_runs_like_any_other_model(members: list[Path], tmp_path: Path) -> None:
    join_checkpoints(members[:2], tmp_path / "joined")
    card = drain(install_model(parse_model_choice(str(tmp_path / "joined")), tmp_path / "models"))
    model = load_model(tmp_path / "models" / card.fingerprint)
    with torch.no_grad():
        expected = load_network(tmp_path / "joined")(torch.from_numpy(PIXELS)).embedding.numpy()
    np.testing.assert_allclose(model.embed(PIXELS), expected, atol=0.05)
    assert (np.sum(model.embed(PIXELS) * expected, axis=1) > 0.98).all()


def test_what_cannot_be_joined_is_refused_with_a_sentence(members: list[Path], tmp_path: Path) -> None:
    with pytest.raises(LookalikeError, match="An ensemble has 2 to 16 models; 1 are named"):
        join_checkpoints(members[:1], tmp_path / "one")
    other = EmbeddingNetwork(create_untrained("test_resnet", size=48)).eval()
    write_checkpoint(other, tmp_path / "other", name="other", source="test")
    with pytest.raises(LookalikeError, match="see pictures in different sizes"):
        join_checkpoints([members[0], tmp_path / "other"], tmp_path / "both")
    with pytest.raises(LookalikeError, match="holds a model already"):
        join_checkpoints(members, members[0])
    assert not (tmp_path / "both").exists()


@pytest.mark.parametrize(
    "name",
    ["joined:course@x", "joined:course@-3|course", "joined:" + "|".join(["course"] * 17), "joined:course@99999999"],
)
def test_a_strangers_name_of_a_joined_network_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="is not described as one"):
        require_known_name(name)


def test_a_member_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ModelError, match="no backbone named 'curse'"):
        require_known_name("joined:course@8|curse")


def test_a_name_says_what_its_members_are() -> None:
    members = (JoinedMember("course", 8, False), JoinedMember("resnet18", 5, True), JoinedMember("course", 0, False))
    assert name_joined(members) == "joined:course@8|resnet18@u5|course"
    assert parse_joined(name_joined(members)) == members
    assert parse_joined("resnet18") is None


@pytest.mark.long
def test_the_command_joins_and_says_what_it_costs(members: list[Path], tmp_path: Path) -> None:
    said = lookalike(tmp_path, "join", *members, "--out", tmp_path / "joined")
    assert said.code == 0, said.err
    assert "3 models are one now, of 269 numbers; a picture costs as much as in all." in said.out
    assert read_card(tmp_path / "joined").dim == 269
