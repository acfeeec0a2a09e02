"""The parts of a labelled folder for a training: those that the folder itself gives (train, val, test), else made here.

What is given is honoured: "train" is learned from, "val" chooses, "test" judges. What lacks is taken out of train, and
what was done is said in a sentence.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from indexer.errors import LookalikeError
from indexer.photos.class_folders import require_clear_classes
from training.data.labelled_folders import LabelledFolder, PhotoSample
from training.data.split import PAIR_SIZE, DataSplit, split_samples

PART_TASKS = {"train": "learn from", "validation": "choose by", "test": "judge by"}


class DividedFolder(NamedTuple):
    """The three parts of a labelled folder, and sentences on how given ones were used; none where none are given."""

    split: DataSplit
    remarks: tuple[str, ...]


def divide_folder(found: LabelledFolder, purpose: str, groups: Mapping[bytes, int] | None = None) -> DividedFolder:
    """The three parts of a folder for a purpose of `choices.PURPOSES`; LookalikeError says what it lacks for it.

    `groups`, by content hash, says which photos are not parted where parts are made here. Given parts stay as they are,
    but nothing is learned from photos that share a group with those that judge or choose.
    """
    require_teachable(found)
    given = _collect_parts(found)
    names = found.layout.parts
    if not found.parts:
        return DividedFolder(_split_grouped(found.samples, purpose, groups), ())
    if not given.train:
        why = f"The folder gives {_describe_parts(names)}, but nothing to learn from: all are taken together."
        return DividedFolder(_split_grouped(found.samples, purpose, groups), (why,))
    if purpose == "classes" and _share_classes(given):
        why = f"The given parts ({_join_names(names)}) share classes, so they show no new ones: all are taken together."
        return DividedFolder(_split_grouped(found.samples, purpose, groups), (why,))
    remarks = [f"The folder gives {_describe_parts(names)}."]
    remarks += [
        f"There are no labelled pictures to {PART_TASKS[part]}, so these are taken out of {names['train']}."
        for part in ("validation", "test")
        if not getattr(given, part)
    ]
    disjoint_parts = given if groups is None else _leave_out_shared_groups(given, groups)
    remarks += [*describe_crossing(found), *_describe_left_out(len(given.train) - len(disjoint_parts.train), names)]
    return DividedFolder(_complete_parts(disjoint_parts, purpose, found, groups), tuple(remarks))


def require_teachable(found: LabelledFolder) -> None:
    """Raise LookalikeError where the pictures are of one class, or most stand in several."""
    require_clear_classes([sample.label for sample in found.samples], len(found.conflicts), found.layout)


def describe_given_parts(found: LabelledFolder) -> tuple[str, ...]:
    """Sentences on the parts that a folder gives; none where it gives none."""
    if not found.layout.parts:
        return ()
    named = f"The folder gives {_describe_parts(found.layout.parts)}; the classes are the folders inside."
    return (named, *describe_crossing(found))


def describe_joining(found: LabelledFolder) -> tuple[str, ...]:
    """A sentence for a recipe that takes given parts together; none where none are given."""
    if not found.layout.parts:
        return ()
    names = _join_names(found.layout.parts)
    return (f"The folder gives {names}; all are taken together here, and each picture is judged out of fold.",)


def describe_crossing(found: LabelledFolder) -> tuple[str, ...]:
    """A sentence on pictures that stand in several of the given parts, where there are any."""
    if not found.crossing_count:
        return ()
    stand = "1 picture stands" if found.crossing_count == 1 else f"{found.crossing_count:,} pictures stand"
    return (f"{stand} in more than one of the given parts and only judge or choose: nothing is learned from them.",)


def _collect_parts(found: LabelledFolder) -> DataSplit:
    return DataSplit(
        *(
            tuple(sample for sample in found.samples if found.parts.get(sample.sha256) == part)
            for part in DataSplit._fields
        )
    )


def _leave_out_shared_groups(given: DataSplit, groups: Mapping[bytes, int]) -> DataSplit:
    """The parts without the photos that share a group with one of a part further from learning."""
    seen: set[int] = set()
    remaining_parts = []
    for part in (given.test, given.validation, given.train):
        remaining_parts.append(tuple(sample for sample in part if groups[sample.sha256] not in seen))
        seen |= {groups[sample.sha256] for sample in part}
    return DataSplit(remaining_parts[2], remaining_parts[1], remaining_parts[0])


def _describe_left_out(count: int, names: Mapping[str, str]) -> tuple[str, ...]:
    if not count:
        return ()
    pictures = "1 picture" if count == 1 else f"{count:,} pictures"
    return (
        f"Nothing is learned from {pictures} of {names['train']}: near copies, frames of the same burst or of the same "
        "given group judge or choose.",
    )


def _split_grouped(samples: tuple[PhotoSample, ...], purpose: str, groups: Mapping[bytes, int] | None) -> DataSplit:
    return split_samples(samples, purpose, None if groups is None else [groups[one.sha256] for one in samples])


def _complete_parts(
    given: DataSplit, purpose: str, found: LabelledFolder, groups: Mapping[bytes, int] | None
) -> DataSplit:
    """The given parts, with what lacks taken out of train: there a full split is made, and its other parts rejoined."""
    for part in ("validation", "test"):
        if getattr(given, part):
            _require_pairs(getattr(given, part), found.layout.parts[part], PART_TASKS[part])
    if given.validation and given.test:
        _require_pairs(given.train, found.layout.parts["train"], PART_TASKS["train"])
        return given
    made = _split_grouped(given.train, purpose, groups)
    if given.test:
        return DataSplit(_join_sorted(made.train, made.test), made.validation, given.test)
    return DataSplit(_join_sorted(made.train, made.validation), given.validation, made.test)


def _join_sorted(first: tuple[PhotoSample, ...], second: tuple[PhotoSample, ...]) -> tuple[PhotoSample, ...]:
    return tuple(sorted(first + second, key=lambda sample: (sample.label, sample.sha256)))


def _require_pairs(samples: tuple[PhotoSample, ...], name: str, task: str) -> None:
    """Raise LookalikeError unless a part has two classes and a class with a pair: a query and its match."""
    counts = Counter(sample.label for sample in samples)
    if len(counts) < 2 or max(counts.values()) < PAIR_SIZE:
        raise LookalikeError(
            "The part {name} has too few pictures to {task}: it takes two classes, one of them with two "
            "different pictures. Add some, or take the part away: then pictures to learn from are used for "
            "that.",
            name=name,
            task=task,
        )


def _share_classes(given: DataSplit) -> bool:
    labels = [{sample.label for sample in part} for part in given]
    return any(labels[0] & held_out for held_out in labels[1:])


def _describe_parts(names: Mapping[str, str]) -> str:
    """'train to learn from, val to choose by and test to judge by'."""
    return _join_words([f"{names[part]} to {task}" for part, task in PART_TASKS.items() if part in names])


def _join_names(names: Mapping[str, str]) -> str:
    return _join_words([names[part] for part in PART_TASKS if part in names])


def _join_words(words: list[str]) -> str:
    return ", ".join(words[:-1]) + f" and {words[-1]}" if len(words) > 1 else words[0]
