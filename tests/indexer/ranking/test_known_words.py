"""Words: what each means in the network's classes, plurals and phrases, and which are refused."""

import numpy as np
import pytest

from indexer.errors import LookalikeError
from indexer.models.backbones import import_timm
from indexer.ranking.known_words import MOST_CLASSES, load_word_tree, offer_words, parse_word_tree, split_unwanted

# bird over two classes, of which "crane" is also a machine; device over the two others; thing over all
TREE = "crane\t4\nowl,hooter\t4\ncrane\t5\nclock\t5\nbird\t6\ndevice,machine\t6\nthing\t\n"


def test_a_word_means_all_classes_below_any_of_its_notions() -> None:
    tree = parse_word_tree(TREE)
    assert {word: sorted(classes) for word, classes in tree.classes_by_word.items()} == {
        "crane": [0, 2],
        "owl": [1],
        "hooter": [1],
        "clock": [3],
        "bird": [0, 1],
        "device": [2, 3],
        "machine": [2, 3],
        "thing": [0, 1, 2, 3],
    }
    assert tree.class_names == ["crane", "owl", "crane", "clock"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Birds", [("birds", (0, 1))]),
        ("an owl and a clock", [("owl", (1,)), ("clock", (3,))]),
        ("CRANES, machines", [("cranes", (0, 2)), ("machines", (2, 3))]),
    ],
)
def test_a_text_is_read_as_known_words(text: str, found: list[tuple[str, tuple[int, ...]]]) -> None:
    assert parse_word_tree(TREE).parse_words(text) == found


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("clocc", '"clocc" is no word that the built-in model knows: a guess would mislead. Near it: clock.'),
        ("bird zzz", '"zzz" is no word that the built-in model knows: a guess would mislead.'),
        ("the", "Name at least one word to look for."),
        (" , ", "Name at least one word to look for."),
    ],
)
def test_what_is_not_known_is_refused_with_near_words(text: str, sentence: str) -> None:
    with pytest.raises(LookalikeError) as refusal:
        parse_word_tree(TREE).parse_words(text)
    assert str(refusal.value) == sentence


def test_the_bundled_tree_has_the_networks_classes_in_their_order() -> None:
    tree = load_word_tree()
    info = import_timm().data.ImageNetInfo("imagenet-1k")
    theirs = [info.index_to_description(number).partition(",")[0] for number in range(1000)]
    assert [name.casefold() for name in tree.class_names] == [name.casefold() for name in theirs]


def test_longer_phrases_come_first_and_what_means_nearly_everything_is_not_known() -> None:
    tree = load_word_tree()
    assert [word.word for word in tree.parse_words("red wine great white shark")] == ["red wine", "great white shark"]
    assert "object" not in tree.classes_by_word
    sizes = np.array([len(classes) for classes in tree.classes_by_word.values()])
    assert 1 <= sizes.min() <= sizes.max() <= MOST_CLASSES
    assert len(tree.parse_words("dog")[0].classes) == 118


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("bird", "bird"),
        (" two  birds ", ""),
        ("bird -goldfinch", "bird -goldfinch"),
        ("-bird", "-bird"),
        ("goldfnch", "goldfinch"),
        ("img_2034", ""),
        ("sunset", ""),
        ("", ""),
        ("-", ""),
    ],
)
def test_known_words_are_offered_and_one_near_an_unknown_word(text: str, offered: str) -> None:
    assert offer_words(text) == offered


def test_a_minus_marks_what_is_not_wanted() -> None:
    assert split_unwanted("red  bird -goldfinch -jay") == ("red bird", "goldfinch jay")
