"""Divide labelled photos into three parts: to learn from, to choose by, to judge by.

The parts are a fixed function of the content hashes and class names in a folder, and never of the seed, so two
trainings on one folder are judged by the same pictures, and a repeated training cannot learn from what judged the last.

Each photo has a fixed position from 0 to 1, computed from its hash: below 0.65 it is for training, from 0.8 on for the
test. So a new photo moves no other one where classes are large enough. A figure takes two photos of a class, though, a
query and its match, and with a dozen photos a class chance may leave a part with one or none. Then, and only then, the
photos next to the border are moved over, as few as needed; so in small classes a new photo may move one at a border.
Photos of one group (near copies, frames of a burst) are never parted: a group counts as one photo, that of the least
hash, and the others follow it. A group with photos of several classes is for training, as no answer would be right; of
new classes, those that share a group are on one side.

When a later training puts a photo into another part, its figures stay right: a checkpoint knows the hashes it has seen,
and every evaluation leaves them out.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from indexer.errors import LookalikeError
from training.data.labelled_folders import CONTENT_MARK, PhotoSample

VALIDATION_FROM = 0.65
TEST_FROM = 0.8
PAIR_SIZE = 2  # photos a class needs in a part: a query and its match
MIN_CLASSES = 5  # for the purpose classes

ClassSamples = dict[str, list[PhotoSample]]
GroupMembers = dict[PhotoSample, list[PhotoSample]]


class DataSplit(NamedTuple):
    """The three parts, each in order of (label, sha256), without a photo in common."""

    train: tuple[PhotoSample, ...]
    validation: tuple[PhotoSample, ...]
    test: tuple[PhotoSample, ...]


def split_samples(samples: Iterable[PhotoSample], purpose: str, groups: Iterable[int] | None = None) -> DataSplit:
    """The three parts for a purpose of `choices.PURPOSES`; LookalikeError says what the photos lack for it.

    `groups` (n,) are numbers of what must not be parted (`groups.group_photos`); without them each photo is its own.
    """
    listed = list(samples)
    require_classes(sample.label for sample in listed)
    members = _gather_groups(listed, range(len(listed)) if groups is None else groups)
    classes, mixed = _collect_classes(members, purpose)
    parts = SPLIT_FUNCTIONS[purpose](classes)
    parts = parts._replace(train=parts.train + mixed)
    train, validation, test = (
        tuple(sorted((one for sample in part for one in members[sample]), key=lambda one: (one.label, one.sha256)))
        for part in parts
    )
    return DataSplit(train, validation, test)


def _gather_groups(samples: Sequence[PhotoSample], groups: Iterable[int]) -> GroupMembers:
    """The photos of each group by the one of least hash, which stands for it."""
    gathered: dict[int, list[PhotoSample]] = defaultdict(list)
    for sample, number in zip(samples, groups, strict=True):
        gathered[int(number)].append(sample)
    return {min(group, key=lambda sample: sample.sha256): group for group in gathered.values()}


def _collect_classes(members: GroupMembers, purpose: str) -> tuple[ClassSamples, tuple[PhotoSample, ...]]:
    """The photos that stand for groups by class, in order of position, and those that can only be learned from.

    For new classes those that share a group are one, else what has several classes can only be learned from.
    """
    by_position = sorted(members, key=lambda sample: assign_position(b"photo", sample.sha256))
    labels = {sample: {one.label for one in group} for sample, group in members.items()}
    names = _join_classes(labels.values()) if purpose == "classes" else {}
    classes: ClassSamples = defaultdict(list)
    mixed = []
    for sample in by_position:
        if purpose != "classes" and len(labels[sample]) > 1:
            mixed.append(sample)
        else:
            classes[names.get(sample.label, sample.label)].append(sample)
    return classes, tuple(mixed)


def _join_classes(shared: Iterable[set[str]]) -> dict[str, str]:
    """The first of all class names that are linked by shared groups, for each that is not the first itself."""
    joined: dict[str, str] = {}

    def find_first(name: str) -> str:
        while name in joined:
            name = joined[name]
        return name

    for names in shared:
        firsts = sorted({find_first(name) for name in names})
        joined |= dict.fromkeys(firsts[1:], firsts[0])
    return {name: find_first(name) for name in joined}


def require_classes(labels: Iterable[str]) -> None:
    """Raise LookalikeError where there are fewer than two classes."""
    count = len(set(labels))
    if count < 2:
        raise LookalikeError(
            "Fine-tuning needs at least two classes, each a sub-folder of pictures or a label; found {count}.",
            count=count,
        )


def split_without_classes(samples: Iterable[PhotoSample]) -> DataSplit:
    """The three parts of photos without classes, no track parted; LookalikeError where one would have fewer than two
    photos.
    """
    parts: list[list[PhotoSample]] = [[], [], []]
    for sample in sorted(samples, key=lambda sample: sample.sha256):
        position = assign_position(b"photo", bytes.fromhex(sample.label.removeprefix(CONTENT_MARK)))
        parts[(position >= VALIDATION_FROM) + (position >= TEST_FROM)].append(sample)
    if min(map(len, parts)) < PAIR_SIZE:
        found = sum(map(len, parts))
        raise LookalikeError(
            "Too few pictures to learn from some and be judged by others: found {found}; a few dozen are "
            "needed, or sub-folders that name classes.",
            found=found,
        )
    train, validation, test = map(tuple, parts)
    return DataSplit(train, validation, test)


def assign_position(kind: bytes, key: bytes) -> float:
    """A fixed position in [0, 1) for a content hash or a class name; `kind` ("photo", "class") keeps the two apart.

    The key is hashed again, so that the position says nothing about the order of the content hashes.
    """
    return int.from_bytes(hashlib.sha256(b"lookalike split 1 " + kind + b" " + key).digest()[:8], "big") / 2**64


def _split_by_images(classes: ClassSamples) -> DataSplit:
    """New pictures of known classes: each class is divided.

    Of six photos or more, every part gets at least a pair. Of four or five, one pair goes to validation or to the test,
    whichever the position of the class name says; of fewer, all are for training.
    """
    small = _choose_small_for_test(
        [name for name, members in classes.items() if 2 * PAIR_SIZE <= len(members) < 3 * PAIR_SIZE]
    )
    parts = [
        _split_small_class(members, name in small) for name, members in classes.items() if len(members) < 3 * PAIR_SIZE
    ]
    parts += [_split_class(members) for members in classes.values() if len(members) >= 3 * PAIR_SIZE]
    largest = max((len(members) for members in classes.values()), default=0)
    return _require_pairs(
        _join_splits(parts),
        "Too few pictures to learn from some and be judged by others: that takes two classes of at least six different "
        f"pictures, or four classes of four. The largest class here has {largest}; frames of one burst and near copies "
        "count as one.",
    )


def _split_by_classes(classes: ClassSamples) -> DataSplit:
    """New classes: whole classes are kept out, at least a fifth of them for the test.

    Of five classes only one is left for validation; photos of the training classes join it then, for among photos of
    one class every answer is right. Classes of one photo make no query and are for training.
    """
    names = sorted((name for name in classes if len(classes[name]) >= PAIR_SIZE), key=_assign_class_position)
    if len(names) < MIN_CLASSES:
        raise LookalikeError(
            "To learn for new classes takes at least {min_classes} classes of two different pictures or "
            "more, here are {names}; choose the purpose images, which asks about new pictures of the same "
            "classes.",
            min_classes=MIN_CLASSES,
            names=len(names),
        )
    test_count = max(2, math.ceil(len(names) / 5))
    validation_count = max(2, round(0.15 * len(names))) if len(names) > MIN_CLASSES else 1
    training = (set(classes) - set(names)) | set(names[: len(names) - validation_count - test_count])
    train_splits = [DataSplit(tuple(classes[name]), (), ()) for name in training]
    if validation_count == 1:
        train_splits = [_split_small_class(part.train, for_test=False) for part in train_splits]
    held_out_splits = [
        DataSplit((), tuple(classes[name]), ()) for name in names[-validation_count - test_count : -test_count]
    ]
    held_out_splits += [DataSplit((), (), tuple(classes[name])) for name in names[-test_count:]]
    return _require_pairs(
        _join_splits(train_splits + held_out_splits),
        "Too few pictures to choose a model for new classes: with five classes, one of those to learn from needs at "
        "least four different pictures. Add pictures or a sixth class.",
    )


SPLIT_FUNCTIONS: dict[str, Callable[[ClassSamples], DataSplit]] = {
    "images": _split_by_images,
    "classes": _split_by_classes,
}


def _split_class(members: Sequence[PhotoSample]) -> DataSplit:
    """Divide six photos or more in order of position; photos at the borders move so that each part has a pair."""
    positions = [assign_position(b"photo", member.sha256) for member in members]
    test_count = max(PAIR_SIZE, sum(where >= TEST_FROM for where in positions))
    validation_count = max(PAIR_SIZE, sum(VALIDATION_FROM <= where < TEST_FROM for where in positions))
    while len(members) - validation_count - test_count < PAIR_SIZE:
        if test_count >= validation_count:
            test_count -= 1
        else:
            validation_count -= 1
    return _cut_parts(members, validation_count, test_count)


def _split_small_class(members: Sequence[PhotoSample], for_test: bool) -> DataSplit:
    """Divide a class too small for three pairs: its last pair is for test or validation if another pair is left."""
    if len(members) < 2 * PAIR_SIZE:
        return DataSplit(tuple(members), (), ())
    return _cut_parts(members, 0, PAIR_SIZE) if for_test else _cut_parts(members, PAIR_SIZE, 0)


def _choose_small_for_test(names: list[str]) -> set[str]:
    """The small classes whose pair goes to the test: those with a position from 0.5 on; of four classes or more, at
    least two for the test and two for validation.
    """
    names = sorted(names, key=_assign_class_position)
    test_count = sum(_assign_class_position(name) >= 0.5 for name in names)
    if len(names) >= 4:
        test_count = min(max(test_count, 2), len(names) - 2)
    return set(names[len(names) - test_count :])


def _cut_parts(members: Sequence[PhotoSample], validation_count: int, test_count: int) -> DataSplit:
    """Cut photos in order of position: the first for training, then those for validation, the last for the test."""
    train_end, test_start = len(members) - validation_count - test_count, len(members) - test_count
    return DataSplit(tuple(members[:train_end]), tuple(members[train_end:test_start]), tuple(members[test_start:]))


def _join_splits(parts: Sequence[DataSplit]) -> DataSplit:
    nothing = DataSplit((), (), ())
    train, validation, test = (tuple(chain.from_iterable(column)) for column in zip(nothing, *parts, strict=True))
    return DataSplit(train, validation, test)


def _require_pairs(parts: DataSplit, why: str) -> DataSplit:
    """The parts, if each of them has two classes and a class with a pair; else LookalikeError with the reason."""
    for part in parts:
        counts = Counter(sample.label for sample in part)
        if len(counts) < 2 or max(counts.values()) < PAIR_SIZE:
            raise LookalikeError(why)
    return parts


def _assign_class_position(name: str) -> float:
    return assign_position(b"class", name.encode())
