"""A pair for pictures and texts, trained here: installed from its folder, it finds pictures by any words it learned."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import ModelError
from indexer.library import Library
from indexer.models.installation import parse_model_choice
from indexer.models.model import load_model
from indexer.progress import drain
from indexer.ranking.text_ranking import LibraryWords
from indexer.search.query import Query
from indexer.text_models.text_card import has_text_half, read_text_card
from indexer.text_models.text_conversion import embed_tokens, load_text_network, read_token_table
from indexer.text_models.text_model import load_text_model, prepare_text_model, prepare_words
from indexer.text_models.text_tokens import load_tokenizer
from tests.support.commands import Tell, run_patiently
from tests.support.trained_pair import KINDS, draw_kind, make_pair, make_pair_model, save_drawings

EACH = 6


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pair(tmp_path_factory)


@pytest.fixture(scope="module")
def pair_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pair_model(tmp_path_factory)


@pytest.fixture
def own_model(pair_model: Path, tmp_path: Path) -> Path:
    """A copy of the installed pair that the test may damage."""
    return Path(shutil.copytree(pair_model, tmp_path / "models" / pair_model.name))


@pytest.fixture
def home(pair_model: Path, tmp_path: Path) -> Path:
    """A home folder that has the pair, and a folder of pictures of each kind beside it."""
    shutil.copytree(pair_model, tmp_path / "home" / "models" / pair_model.name)
    save_drawings(tmp_path / "photos", EACH)
    return tmp_path / "home"


def test_the_converted_half_agrees_with_torch_and_knows_the_pictures(pair_model: Path) -> None:
    card = read_text_card(pair_model)
    tokenizer = load_tokenizer(*read_token_table(pair_model, card), card)
    texts = [*KINDS, "", "something else that is longer than sixteen tokens are, and so is cut at its end"]
    expected = embed_tokens(load_text_network(pair_model, card), tokenizer.encode_texts(texts))
    found = load_text_model(pair_model).embed_texts(texts)
    assert np.allclose((found * expected).sum(axis=1), 1, atol=1e-5)
    model = load_model(pair_model)
    for place, kind in enumerate(KINDS):
        pictures = np.stack([model.prepare(draw_kind(kind, number)) for number in range(EACH)])
        assert ((model.embed(pictures) @ found[: len(KINDS)].T).argmax(axis=1) == place).all()


@pytest.mark.long
def test_any_word_of_the_pair_finds_its_pictures_in_a_library(home: Path, pair: Path, tell: Tell) -> None:
    said = tell(home, "index", home.parent / "photos", "--labelled", "--model", pair)
    assert said.code == 0, said.err
    for kind in KINDS:
        result = tell(home, "search", "--words", kind, "-k", EACH, "--json").result()
        assert [hit["label"] for hit in result["hits"]] == [kind] * EACH
        assert result["hits"][0]["why"].startswith(f"{kind}: ")
        assert result["hits"][0]["why"].endswith("%")  # what the library's own labels show
    hits = tell(home, "search", "--words", "red wall", "--not-words", "red wall", "-k", 24, "--json").result()["hits"]
    assert len(hits) == 4 * EACH
    assert tell(home, "search", "--words", "  ").code == 2
    with Library.open(home / "default.library") as library:
        words = LibraryWords(library)
        first = words.answer_words(("blue sea", ""), 1).hits[0].photo
        beside = words.answer_words(("blue sea", ""), 24, pictures=Query((first.id,))).hits
        assert (beside[0].photo.id, beside[0].distance) == (first.id, 0)
        assert {hit.photo.label for hit in beside[:EACH]} == {"blue sea"}
        library.annotations.set_labels({hit.photo.id: "photo" for hit in beside})
        why = words.answer_words(("blue sea", ""), 1).hits[0].why
        assert why == "blue sea: nearer than 96% of the photos"  # 23 of 24, as labels of one kind tell nothing


def test_what_is_not_prepared_here_or_damaged_is_refused_and_prepared_anew(own_model: Path) -> None:
    form = own_model / "text" / "form"
    (form / "openvino.bin").write_bytes(b"other")
    with pytest.raises(ModelError, match="not prepared for words on this computer"):
        load_text_model(own_model)
    drain(prepare_text_model(own_model))
    load_text_model(own_model)
    (form / "runtime.signature").write_text("0" * 64)
    with pytest.raises(ModelError, match="not prepared for words on this computer"):
        load_text_model(own_model)
    shutil.rmtree(form)
    (own_model / "text" / "text.safetensors").write_bytes(b"other")
    with pytest.raises(ModelError, match="is damaged"):
        drain(prepare_text_model(own_model))
    assert "is damaged" in drain(prepare_words(own_model))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "format is unknown"),
        ({"scale": "much"}, "could not convert"),
        ({"model_cfg": {"text_cfg": {"hf_model_name": "bert"}}}, "another library"),
        ({"model_cfg": {"text_cfg": {"context_length": 10**9}}}, "unknown form"),
        ({"model_cfg": 5}, "not subscriptable"),
        ({"files": {"../../x": "0"}}, "files are not those"),
    ],
)
def test_a_card_of_another_kind_is_refused(own_model: Path, change: dict[str, object], reason: str) -> None:
    path = own_model / "text" / "text.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError, match=reason):
        read_text_card(own_model)


def test_a_small_file_that_describes_a_huge_network_costs_nothing(own_model: Path) -> None:
    path = own_model / "text" / "text.json"
    fields = json.loads(path.read_text())
    fields["model_cfg"]["text_cfg"] |= {"width": 1 << 20, "layers": 64}
    path.write_text(json.dumps(fields))
    with pytest.raises(ModelError, match="weights for texts do not fit"):
        drain(prepare_text_model(own_model))


def test_a_folder_without_weights_or_of_no_pair_is_a_sentence(pair: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pair"
    folder.mkdir()
    (folder / "open_clip_config.json").write_text("[]")
    with pytest.raises(ModelError, match="does not describe a pair"):
        parse_model_choice(str(folder))
    shutil.copy(pair / "open_clip_config.json", folder)
    with pytest.raises(ModelError, match="holds no weights"):
        parse_model_choice(str(folder))


def test_a_model_without_the_other_half_has_none(installed_model: Path) -> None:
    assert not has_text_half(installed_model)
    assert drain(prepare_words(installed_model)) == ""


@pytest.mark.long
def test_without_the_extra_pictures_are_searched_and_words_say_what_to_install(
    pair: Path, own_model: Path, tmp_path: Path
) -> None:
    shutil.rmtree(own_model / "text" / "form")
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('open_clip', 'tokenizers', 'ftfy')))\n"
        "from pathlib import Path\n"
        "from indexer.models.model import load_model\n"
        "from indexer.progress import drain\n"
        "from indexer.text_models.text_model import prepare_words\n"
        f"folder = Path({str(own_model)!r})\n"
        "print(load_model(folder).card.dim, drain(prepare_words(folder)))\n"
    )
    said = run_patiently([sys.executable, "-c", code])
    assert said.out.startswith("32 This needs the package "), said.err
    assert "pip install 'lookalike[clip]'" in said.out
