"""Divide labelled photos into three parts: to learn from, to choose by, to judge by.

The parts are a fixed function of what is in the folder, content hashes and class names, and never of the seed, so that
two trainings on one folder are judged by the same pictures and a repeated one cannot learn what judged the last.

Each photo has a fixed place between 0 and 1 from its hash; below 0.65 it is for training, from 0.8 on for the test. So
adding photos moves no other, where classes are large enough. A figure needs two photos of a class to ask and answer,
though, and with a dozen photos a class chance may leave a part with one or none. Then, and only then, the photos next
to the border are moved over, as few as needed; so in small classes a new photo may move one at a border. The same
content in a later training's other part does no harm: a checkpoint knows the hashes it has seen, and every evaluation
leaves them out.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from indexer.errors import LookalikeError
from training.data.labelled_folders import Sample

VALIDATION_FROM = 0.65
TEST_FROM = 0.8
PAIR = 2  # photos a class needs in a part for one to ask and one to be found
LEAST_CLASSES = 5  # for the purpose classes

Classes = dict[str, list[Sample]]


class Split(NamedTuple):
    """The three parts, each in order of (label, sha256), without a photo in common."""

    train: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    test: tuple[Sample, ...]


def split(samples: Iterable[Sample], purpose: str) -> Split:
    """The parts for a purpose of `choices.PURPOSES`; LookalikeError says what the folder lacks for it."""
    classes: Classes = defaultdict(list)
    for sample in sorted(samples, key=lambda sample: place(b"photo", sample.sha256)):
        classes[sample.label].append(sample)
    if len(classes) < 2:
        raise LookalikeError(
            f"Fine-tuning needs at least two classes, each a sub-folder of pictures or a label; found {len(classes)}."
        )
    parts = SPLITS[purpose](classes)
    train, validation, test = (tuple(sorted(part, key=lambda sample: (sample.label, sample.sha256))) for part in parts)
    return Split(train, validation, test)


def without_classes(samples: Iterable[Sample]) -> Split:
    """The parts of photos that are each a class of their own; LookalikeError where a part has fewer than two."""
    parts: list[list[Sample]] = [[], [], []]
    for sample in sorted(samples, key=lambda sample: sample.sha256):
        where = place(b"photo", sample.sha256)
        parts[(where >= VALIDATION_FROM) + (where >= TEST_FROM)].append(sample)
    if min(map(len, parts)) < PAIR:
        found = sum(map(len, parts))
        raise LookalikeError(
            f"Too few pictures to learn from some and be judged by others: found {found}; a few dozen are needed, or "
            "sub-folders that name classes."
        )
    train, validation, test = map(tuple, parts)
    return Split(train, validation, test)


def place(kind: bytes, key: bytes) -> float:
    """A fixed place in [0, 1) for a content hash or a class name; `kind` keeps the two apart.

    Hashed again, so that the place says nothing about the order of the content hashes.
    """
    return int.from_bytes(hashlib.sha256(b"lookalike split 1 " + kind + b" " + key).digest()[:8], "big") / 2**64


def _by_images(classes: Classes) -> Split:
    """New pictures of known classes: each class is divided.

    Of six photos or more, every part has at least a pair. Of four or five, one pair goes to validation or to the test,
    as the class name falls; of fewer, all are for training.
    """
    small = _small_for_test([name for name, members in classes.items() if 2 * PAIR <= len(members) < 3 * PAIR])
    parts = [_divide_small(members, name in small) for name, members in classes.items() if len(members) < 3 * PAIR]
    parts += [_divide(members) for members in classes.values() if len(members) >= 3 * PAIR]
    largest = max(len(members) for members in classes.values())
    return _checked(
        _joined(parts),
        "Too few pictures to learn from some and be judged by others: that takes two classes of at least six different "
        f"pictures, or four classes of four. The largest class here has {largest}.",
    )


def _by_classes(classes: Classes) -> Split:
    """New classes: whole classes are kept out, at least a fifth of them for the test.

    Of five classes only one is left for validation; photos of the training classes keep it company then, for among
    photos of one class every answer is right. Classes of one photo have nothing to ask for: training.
    """
    names = sorted((name for name in classes if len(classes[name]) >= PAIR), key=_class_place)
    if len(names) < LEAST_CLASSES:
        raise LookalikeError(
            f"To learn for new classes takes at least {LEAST_CLASSES} classes of two different pictures or more, "
            f"here are {len(names)}; choose the purpose images, which asks about new pictures of the same classes."
        )
    test = max(2, math.ceil(len(names) / 5))
    validation = max(2, round(0.15 * len(names))) if len(names) > LEAST_CLASSES else 1
    training = (set(classes) - set(names)) | set(names[: len(names) - validation - test])
    whole = [Split(tuple(classes[name]), (), ()) for name in training]
    if validation == 1:
        whole = [_divide_small(part.train, for_test=False) for part in whole]
    kept_out = [Split((), tuple(classes[name]), ()) for name in names[-validation - test : -test]]
    kept_out += [Split((), (), tuple(classes[name])) for name in names[-test:]]
    return _checked(
        _joined(whole + kept_out),
        "Too few pictures to choose a model for new classes: with five classes, one of those to learn from needs at "
        "least four different pictures. Add pictures or a sixth class.",
    )


SPLITS: dict[str, Callable[[Classes], Split]] = {"images": _by_images, "classes": _by_classes}


def _divide(members: Sequence[Sample]) -> Split:
    """Six photos or more in order of place: by place, photos at the borders moved so that each part has a pair."""
    places = [place(b"photo", member.sha256) for member in members]
    test = max(PAIR, sum(where >= TEST_FROM for where in places))
    validation = max(PAIR, sum(VALIDATION_FROM <= where < TEST_FROM for where in places))
    while len(members) - validation - test < PAIR:
        if test >= validation:
            test -= 1
        else:
            validation -= 1
    return _cut(members, validation, test)


def _divide_small(members: Sequence[Sample], for_test: bool) -> Split:
    """A class with no pair for every part: the last pair judges or chooses, if another is left to learn from."""
    if len(members) < 2 * PAIR:
        return Split(tuple(members), (), ())
    return _cut(members, 0, PAIR) if for_test else _cut(members, PAIR, 0)


def _small_for_test(names: list[str]) -> set[str]:
    """Which small classes give their pair to the test: those in the upper half, but two on each side if four are."""
    names = sorted(names, key=_class_place)
    test = sum(_class_place(name) >= 0.5 for name in names)
    if len(names) >= 4:
        test = min(max(test, 2), len(names) - 2)
    return set(names[len(names) - test :])


def _cut(members: Sequence[Sample], validation: int, test: int) -> Split:
    """The first for training, then `validation`, then `test` of them."""
    learn, judge = len(members) - validation - test, len(members) - test
    return Split(tuple(members[:learn]), tuple(members[learn:judge]), tuple(members[judge:]))


def _joined(parts: Sequence[Split]) -> Split:
    train, validation, test = (tuple(chain.from_iterable(column)) for column in zip(*parts, strict=True))
    return Split(train, validation, test)


def _checked(parts: Split, why: str) -> Split:
    """Refuse parts that have no photo with a match to find, or no mismatch to tell it from."""
    for part in parts:
        counts = Counter(sample.label for sample in part)
        if len(counts) < 2 or max(counts.values()) < PAIR:
            raise LookalikeError(why)
    return parts


def _class_place(name: str) -> float:
    return place(b"class", name.encode())
