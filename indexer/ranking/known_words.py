"""Words that can be searched for: the built-in network's classes, and WordNet's notions above them.

A word means every class below any of its notions: "bird" 59 classes, "crane" a bird and a machine. Other words are
refused with near known ones and never guessed: measured, what is next above an unknown word finds next to nothing.
"""

import difflib
import functools
import re
from typing import NamedTuple

from indexer.errors import LookalikeError
from indexer.paths import find_assets_folder
from indexer.wording import tr

LONGEST_PHRASE = 5  # words, as in "lesser panda" two
MOST_CLASSES = 700  # a word that means more of the 1,000, as "object" does, tells no photo from another
FILLERS = frozenset(["a", "an", "and", "of", "on", "in", "the", "with"])
# Regular plurals and what they come from, the first that gives a known word.
ENDINGS = (("ies", "y"), ("ves", "f"), ("men", "man"), ("es", ""), ("s", ""))

NEAR_SPELLING, LEAST_LETTERS = 0.8, 4  # of an unknown word for which a known one is offered while it is typed


class KnownWord(NamedTuple):
    """A word as it was given, and the network's classes that it means, by number."""

    word: str
    classes: tuple[int, ...]


class WordTree(NamedTuple):
    """The known words: the classes below each, the first word of each class, and all notions with their first word and
    classes.
    """

    classes_by_word: dict[str, frozenset[int]]
    class_names: list[str]
    notions: list[KnownWord]

    def parse_words(self, text: str) -> list[KnownWord]:
        """The known words of a text, of several words the longest first; fillers are left out.

        LookalikeError for a text without words, and for one that is not known, with near known ones.
        """
        tokens = re.findall(r"[^\s,;]+", text.casefold())
        found: list[KnownWord] = []
        start = 0
        while start < len(tokens):
            known = self._find_longest(tokens[start : start + LONGEST_PHRASE])
            if known is not None:
                found.append(known)
                start += known.word.count(" ") + 1
            elif tokens[start] in FILLERS:
                start += 1
            else:
                raise self._refuse_word(tokens[start])
        if not found:
            raise LookalikeError("Name at least one word to look for.")
        return found

    def suggest_words(self, word: str, count: int = 3, *, cutoff: float = 0.6) -> list[str]:
        """Known words that are spelt nearly as this one, alike by `cutoff` of 1, or begin with it."""
        beginnings = sorted((known for known in self.classes_by_word if known.startswith(word)), key=len)
        near = difflib.get_close_matches(word, self.classes_by_word, count, cutoff)
        return list(dict.fromkeys([*near, *beginnings[:count]]))[:count]

    def _find_longest(self, tokens: list[str]) -> KnownWord | None:
        for length in range(len(tokens), 0, -1):
            word = " ".join(tokens[:length])
            for form in _list_forms(word):
                if form in self.classes_by_word:
                    return KnownWord(word, tuple(sorted(self.classes_by_word[form])))
        return None

    def _refuse_word(self, word: str) -> LookalikeError:
        near = self.suggest_words(word)
        hint = tr(" Near it: {near}.", near=", ".join(near)) if near else ""
        return LookalikeError(
            '"{word}" is no word that the built-in model knows: a guess would mislead.{hint}', word=word[:60], hint=hint
        )


def _list_forms(word: str) -> list[str]:
    """The word, and what it may be the plural of."""
    return [word, *(word.removesuffix(ending) + new for ending, new in ENDINGS if word.endswith(ending))]


class SplitWords(NamedTuple):
    """What photos are to show, and what they are not to show; either may be empty."""

    wanted: str
    unwanted: str


def split_unwanted(text: str) -> SplitWords:
    """A text in which what is not wanted has a minus before it, as in "bird -goldfinch"."""
    words = text.split()
    unwanted = [word[1:] for word in words if word.startswith("-") and len(word) > 1]
    return SplitWords(" ".join(word for word in words if not word.startswith("-")), " ".join(unwanted))


def join_unwanted(words: SplitWords) -> str:
    """The text that `split_unwanted` divides into these."""
    return " ".join([*words.wanted.split(), *(f"-{word}" for word in words.unwanted.split())])


def offer_words(text: str) -> str:
    """The text where all its words are known, the nearest known word where it is one unknown word; "" elsewhere."""
    tree, words = load_word_tree(), " ".join(text.split())
    try:
        wanted, unwanted = split_unwanted(words)
        known = [tree.parse_words(part) for part in (wanted, unwanted) if part]
    except LookalikeError:
        near = tree.suggest_words(words.casefold(), 1, cutoff=NEAR_SPELLING) if len(words) >= LEAST_LETTERS else []
        return near[0] if near else ""
    return words if known else ""


@functools.cache
def load_word_tree() -> WordTree:
    """The words that come with the program, read once."""
    text = (find_assets_folder() / "words" / "word_tree.tsv").read_text(encoding="utf-8")
    return parse_word_tree(text)


def parse_word_tree(text: str) -> WordTree:
    """The tree in the lines of `word_tree.tsv`: words, a tab, the numbers of the lines directly above.

    A line that stands above no other is a class, numbered in order.
    """
    rows = [line.split("\t") for line in text.splitlines()]
    parents = [[int(number) for number in above.split()] for _, above in rows]
    inner = {number for above in parents for number in above}
    below: list[set[int]] = [set() for _ in rows]
    for number in range(len(rows)):
        if number not in inner:
            for notion in _climb(number, parents):
                below[notion].add(number)
    classes_by_word: dict[str, frozenset[int]] = {}
    for (words, _), classes in zip(rows, below, strict=True):
        if len(classes) <= MOST_CLASSES:
            for word in words.casefold().split(","):
                classes_by_word[word] = classes_by_word.get(word, frozenset()) | classes
    names = [words.partition(",")[0] for words, _ in rows]
    notions = [
        KnownWord(name, tuple(sorted(classes)))
        for name, classes in zip(names, below, strict=True)
        if len(classes) <= MOST_CLASSES
    ]
    return WordTree(classes_by_word, names[: len(rows) - len(inner)], notions)


def _climb(number: int, parents: list[list[int]]) -> set[int]:
    """The line and all lines above it."""
    found, waiting = {number}, [number]
    while waiting:
        new = set(parents[waiting.pop()]) - found
        found |= new
        waiting += new
    return found
