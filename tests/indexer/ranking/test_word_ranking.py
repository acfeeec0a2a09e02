"""Photos by words: the classes' probabilities as torch computes them, their order, and what words cannot find."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.database.filters import Filter
from indexer.errors import LookalikeError
from indexer.library import Library
from indexer.models.backbones import load_default_with_classes
from indexer.models.class_layer import FEATURE_LENGTH, read_class_layer
from indexer.photos.samples import find_sample_folder
from indexer.ranking.known_words import load_word_tree
from indexer.ranking.word_ranking import WordIndex, parse_word_query
from indexer.search.query import Query
from tests.support.commands import Tell
from tests.support.index_runs import index_some
from tests.support.vectors import clustered, fill


def test_the_class_layer_is_the_one_that_torch_reads() -> None:
    layer = read_class_layer()
    classifier = load_default_with_classes().get_classifier()
    assert np.array_equal(layer.weights, classifier.weight.detach().numpy().T)
    assert np.array_equal(layer.bias, classifier.bias.detach().numpy())
    vectors = clustered(3, dim=1280).astype(np.float32)
    with torch.no_grad():
        expected = torch.softmax(classifier(torch.from_numpy(vectors) * FEATURE_LENGTH), 1).numpy()
    assert np.allclose(layer.compute_probabilities(vectors), expected, atol=1e-6)


CLASSES = ("birds", "cars", "telephones", "trees")


@pytest.fixture(scope="module")
def home(installed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose default library has six drawings of each of four classes, embedded by the built-in model."""
    return index_some(tmp_path_factory.mktemp("words"), find_sample_folder(), CLASSES, 6, installed_model)


@pytest.fixture
def library(home: Path) -> Iterator[Library]:
    with Library.open(home / "default.library") as opened:
        yield opened


def labels_of(index: WordIndex, words: str, not_words: str = "", k: int = 5) -> list[str | None]:
    return [hit.photo.label for hit in index.rank_photos(parse_word_query(words, not_words), k).hits]


@pytest.mark.parametrize(("word", "label"), [("bird", "birds"), ("a car", "cars"), ("Telephones", "telephones")])
def test_a_word_finds_the_pictures_of_it(library: Library, word: str, label: str) -> None:
    assert labels_of(WordIndex(library), word) == [label] * 5


def test_what_is_no_likelier_than_chance_is_left_out_and_that_is_said(library: Library) -> None:
    index = WordIndex(library)
    for words, wanted, unwanted in ((("bird", ""), ["bird"], []), (("bird", "telephone"), ["bird"], ["telephone"])):
        shares = [len(parse_word_query(word, "").wanted[0].classes) / 1000 for word in (*wanted, *unwanted)]
        chance = shares[0] * (1 - shares[1] if unwanted else 1)
        every, answered = index.rank_photos(parse_word_query(*words), 24), index.answer_words(words, 24)
        assert answered.hits == [hit for hit in every.hits if hit.score > chance]
        assert 0 < len(answered.hits) < len(every.hits)
        assert f"no likelier to show it than chance ({chance:.2g})" in answered.notice
    few = index.answer_words(("bird", ""), 2)
    assert (len(few.hits), few.notice) == (2, "")


def test_what_is_much_less_likely_than_the_first_is_left_out_where_chance_says_little(library: Library) -> None:
    index = WordIndex(library)
    query = parse_word_query("telephones", "")
    every, answered = index.rank_photos(query, 24).hits, index.answer_words(("telephones", ""), 24)
    least = every[0].score / 20
    assert len(query.wanted[0].classes) / 1000 < least
    assert answered.hits == [hit for hit in every if hit.score > least]
    assert {hit.photo.label for hit in answered.hits} == {"telephones"}
    assert answered.notice == "Others are less than 5% as likely to show it as the first, and left out."


def test_the_score_is_the_summed_probability_of_the_words_classes(library: Library) -> None:
    query = parse_word_query("bird", "telephone")
    hits = WordIndex(library).rank_photos(query, 24).hits
    classifier = load_default_with_classes().get_classifier()
    for hit in hits:
        vector = library.embed_example(hit.photo.id)
        with torch.no_grad():
            shares = torch.softmax(classifier(torch.from_numpy(vector) * FEATURE_LENGTH), 0).numpy()
        bird, telephone = (shares[list(words[0].classes)].sum() for words in query)
        # within what the classes beyond the most probable ones can add
        assert hit.score == pytest.approx(bird * (1 - telephone), abs=0.02)
        name, _, percent = hit.why.removeprefix("bird: ").rpartition(" ")
        best = max(query.wanted[0].classes, key=lambda number: shares[number])
        assert (name, percent) == (load_word_tree().class_names[best], f"{shares[best]:.0%}")
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


def test_filters_hold_and_unwanted_words_push_down(library: Library) -> None:
    index = WordIndex(library)
    hits = index.rank_photos(parse_word_query("bird", ""), 24, within=Filter(label="cars")).hits
    assert {hit.photo.label for hit in hits} == {"cars"}
    without = index.rank_photos(parse_word_query("", "telephone"), 24).hits
    places = [hit.rank for hit in without if hit.photo.label == "telephones"]
    assert np.mean(places) > np.mean([hit.rank for hit in without])


def test_words_and_pictures_together_are_fused_by_rank(library: Library) -> None:
    index, query = WordIndex(library), parse_word_query("bird", "")
    picture = library.search(Query((1,)), k=24)
    assert picture.hits[0].photo.id == 1
    result = index.rank_with_pictures(query, Query((1,)), 24)
    by_picture = {hit.photo.id: hit.rank for hit in picture.hits}
    by_word = {hit.photo.id: hit.rank for hit in index.rank_photos(query, 24).hits}
    fused = sorted(by_word, key=lambda photo: -(1 / (60 + by_word[photo]) + 1 / (60 + by_picture[photo])))
    assert [hit.photo.id for hit in result.hits][:12] == fused[:12]
    distances = {hit.photo.id: hit.distance for hit in picture.hits}
    assert all(hit.distance == distances[hit.photo.id] for hit in result.hits)


def test_the_command_says_why_and_refuses_what_it_does_not_know(home: Path, tell: Tell) -> None:
    result = tell(home, "search", "--words", "bird", "-k", "2", "--json").result()
    assert result["engine"] == "words"
    assert [(hit["label"], hit["distance"]) for hit in result["hits"]] == [("birds", None)] * 2
    assert all(hit["why"].startswith("bird: ") for hit in result["hits"])
    kept = tell(
        home, "search", "--words", "bird", "--not-words", "goldfinch", "-k", "2", "--save", "birds", "--json"
    ).result()
    assert tell(home, "search", "--saved", "birds", "-k", "2", "--json").result()["hits"] == kept["hits"]
    said = tell(home, "search", "--saved", "birds", "--exact")
    assert (said.code, "Words go with pictures and filters" in said.err) == (2, True)
    said = tell(home, "search", "--words", "sunset")
    assert said.code == 2
    assert said.err.startswith('"sunset" is no word that the built-in model knows')
    said = tell(home, "search", "--words", "bird", "--refine")
    assert said.code == 2
    assert "Words go with pictures and filters" in said.err


def test_without_the_built_in_model_it_says_so(tmp_path: Path) -> None:
    fill(tmp_path / "x.library", clustered(20))
    with (
        Library.open(tmp_path / "x.library") as opened,
        pytest.raises(LookalikeError, match="no photo here is embedded"),
    ):
        WordIndex(opened).rank_photos(parse_word_query("bird", ""), 3)
