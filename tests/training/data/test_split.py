import hashlib
from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from indexer.errors import LookalikeError
from training.data.labelled_folders import PhotoSample
from training.data.split import SPLIT_FUNCTIONS, TEST_FROM, VALIDATION_FROM, DataSplit, assign_position, split_samples
from training.settings.choices import PURPOSES


def samples(sizes: dict[str, int], salt: str = "") -> list[PhotoSample]:
    """Classes of so many photos, with contents of their own."""
    return [
        PhotoSample(f"/{label}/{index}".encode(), hashlib.sha256(f"{salt}{label}{index}".encode()).digest(), label)
        for label, size in sizes.items()
        for index in range(size)
    ]


def even(classes: int, photos: int) -> dict[str, int]:
    return {f"class {number}": photos for number in range(classes)}


def per_class(part: tuple[PhotoSample, ...]) -> Counter[str]:
    return Counter(sample.label for sample in part)


def part_of(parts: DataSplit) -> dict[bytes, str]:
    return {sample.sha256: name for name, part in parts._asdict().items() for sample in part}


SIZES = st.lists(st.integers(1, 40), min_size=2, max_size=12)


@settings(max_examples=200, deadline=None)
@given(sizes=SIZES, salt=st.text(max_size=3), purpose=st.sampled_from(sorted(PURPOSES)))
def test_parts_hold_everything_once_and_can_be_asked(sizes: list[int], salt: str, purpose: str) -> None:
    photos = samples({f"class {number}{salt}": size for number, size in enumerate(sizes)}, salt)
    try:
        parts = split_samples(photos, purpose)
    except LookalikeError as why:
        assert str(why).endswith(".")
        assume(False)
    assert sorted(part for group in parts for part in group) == sorted(photos)
    for part in parts:
        counts = per_class(part)
        assert len(counts) >= 2
        assert max(counts.values()) >= 2


@settings(max_examples=200, deadline=None)
@given(sizes=st.lists(st.integers(6, 40), min_size=2, max_size=12), salt=st.text(max_size=3))
def test_two_classes_of_six_are_enough_and_each_gives_every_part_a_pair(sizes: list[int], salt: str) -> None:
    parts = split_samples(samples({f"class {number}": size for number, size in enumerate(sizes)}, salt), "images")
    for part in parts:
        assert all(per_class(part)[f"class {number}"] >= 2 for number in range(len(sizes)))


@pytest.mark.parametrize("size", [4, 5])
def test_four_classes_of_four_are_enough(size: int) -> None:
    for salt in "abcdefgh":
        parts = split_samples(samples({f"{salt}{number}": size for number in range(4)}, salt), "images")
        assert len(per_class(parts.train)) == 4
        assert set(per_class(parts.validation)).isdisjoint(per_class(parts.test))


def test_large_classes_are_divided_in_the_stated_shares() -> None:
    parts = split_samples(samples(even(10, 400)), "images")
    shares = [len(part) / 4000 for part in parts]
    assert shares == pytest.approx([VALIDATION_FROM, TEST_FROM - VALIDATION_FROM, 1 - TEST_FROM], abs=0.02)


def test_adding_photos_moves_none_in_large_classes() -> None:
    before, after = (part_of(split_samples(samples(even(5, size)), "images")) for size in (100, 130))
    assert all(after[content] == part for content, part in before.items())


def test_adding_a_class_moves_no_photo_of_the_others() -> None:
    before, after = (part_of(split_samples(samples(even(classes, 8)), "images")) for classes in (5, 6))
    assert all(after[content] == part for content, part in before.items())


def test_a_photo_keeps_its_part_when_its_class_is_renamed() -> None:
    first = split_samples(samples({"a": 50, "b": 50}), "images")
    renamed = split_samples(
        [sample._replace(label=sample.label * 2) for sample in samples({"a": 50, "b": 50})], "images"
    )
    assert part_of(first) == part_of(renamed)


@pytest.mark.parametrize("purpose", SPLIT_FUNCTIONS)
def test_order_and_paths_do_not_matter(purpose: str) -> None:
    photos = samples(even(7, 9))
    moved = [sample._replace(path=b"/elsewhere") for sample in reversed(photos)]
    assert part_of(split_samples(photos, purpose)) == part_of(split_samples(moved, purpose))


def test_the_place_of_a_photo_is_fixed_for_ever() -> None:
    # changing this would let a photo that was learned from judge a later model
    assert assign_position(b"photo", bytes(32)) == pytest.approx(0.2556983611264628, abs=1e-15)
    assert assign_position(b"class", b"cats") == pytest.approx(0.5302950581868395, abs=1e-15)


@settings(max_examples=100, deadline=None)
@given(sizes=st.lists(st.integers(4, 20), min_size=5, max_size=30), salt=st.text(max_size=3))
def test_for_new_classes_whole_classes_are_kept_out(sizes: list[int], salt: str) -> None:
    parts = split_samples(
        samples({f"class {number}{salt}": size for number, size in enumerate(sizes)}, salt), "classes"
    )
    train, validation, test = (set(per_class(part)) for part in parts)
    assert test.isdisjoint(train | validation)
    assert len(test) >= max(2, 0.2 * len(sizes))
    assert len(validation - train) >= (1 if len(sizes) == 5 else 2)
    assert validation.isdisjoint(train) or len(sizes) == 5
    assert len(train) >= 2
    assert set(part_of(parts).values()) == {"train", "validation", "test"}


def test_photos_added_to_a_class_go_where_the_class_is() -> None:
    few, many = (split_samples(samples(even(10, size)), "classes") for size in (5, 50))
    assert [set(per_class(part)) for part in few] == [set(per_class(part)) for part in many]


def test_classes_of_one_photo_never_judge_new_classes() -> None:
    parts = split_samples(samples(even(6, 5) | {"single": 1}), "classes")
    assert "single" in per_class(parts.train)


def test_fewer_than_five_classes_are_sent_to_the_other_purpose() -> None:
    with pytest.raises(LookalikeError, match=r"at least 5 classes .* here are 4; choose the purpose images"):
        split_samples(samples(even(4, 50)), "classes")


@pytest.mark.parametrize("sizes", [{}, {"only": 50}])
@pytest.mark.parametrize("purpose", SPLIT_FUNCTIONS)
def test_fewer_than_two_classes_are_refused(purpose: str, sizes: dict[str, int]) -> None:
    with pytest.raises(LookalikeError, match=f"at least two classes.*found {len(sizes)}"):
        split_samples(samples(sizes), purpose)


@pytest.mark.parametrize("sizes", [{"a": 3, "b": 3}, {"a": 100, "b": 3}, {"a": 1, "b": 1}])
def test_too_few_photos_are_refused_with_what_it_takes(sizes: dict[str, int]) -> None:
    with pytest.raises(LookalikeError, match="two classes of at least six different pictures"):
        split_samples(samples(sizes), "images")


def test_words_and_code_name_the_same_purposes() -> None:
    assert set(PURPOSES) == set(SPLIT_FUNCTIONS)


def burst_numbers(photos: list[PhotoSample], frames: int, *, across: bool = False) -> list[int]:
    """Groups of so many photos that follow each other in their class, or in the whole list across classes."""
    labels = sorted({sample.label for sample in photos})
    places: Counter[str] = Counter()
    numbers = []
    for place, sample in enumerate(photos):
        within = places[sample.label] // frames
        places[sample.label] += 1
        numbers.append(place // frames if across else 1000 * labels.index(sample.label) + within)
    return numbers


def assert_unparted(parts: DataSplit, photos: list[PhotoSample], groups: list[int]) -> None:
    assert sorted(sample for part in parts for sample in part) == sorted(photos)
    where = part_of(parts)
    sides = {(number, where[sample.sha256]) for sample, number in zip(photos, groups, strict=True)}
    assert len(sides) == len(set(groups))


@settings(max_examples=150, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=12),
    frames=st.integers(1, 5),
    across=st.booleans(),
    purpose=st.sampled_from(sorted(PURPOSES)),
)
def test_a_group_never_lies_on_two_sides(sizes: list[int], frames: int, across: bool, purpose: str) -> None:
    photos = samples({f"class {number:02d}": size for number, size in enumerate(sizes)})
    groups = burst_numbers(photos, frames, across=across)
    try:
        parts = split_samples(photos, purpose, groups)
    except LookalikeError:
        return
    assert_unparted(parts, photos, groups)
    for part in parts:
        asked = {(sample.label, groups[photos.index(sample)]) for sample in part}
        assert max(Counter(label for label, _ in asked).values()) >= 2  # a query and a match that is no frame of it


@pytest.mark.parametrize("purpose", SPLIT_FUNCTIONS)
def test_ten_classes_of_ten_bursts_are_divided_whatever_the_order(purpose: str) -> None:
    photos = samples(even(10, 40))
    groups = burst_numbers(photos, 4)
    parts = split_samples(photos, purpose, groups)
    assert_unparted(parts, photos, groups)
    turned = split_samples(list(reversed(photos)), purpose, [7 * number for number in reversed(groups)])
    assert turned == parts
    assert min(map(len, parts)) >= 40


def test_every_photo_alone_is_what_no_groups_are() -> None:
    photos = samples(even(6, 12))
    assert split_samples(photos, "images", range(len(photos))) == split_samples(photos, "images")


def test_a_group_with_several_classes_is_learned_from_and_never_asked() -> None:
    photos = samples(even(3, 30))
    groups = list(range(90))
    groups[10], groups[40] = groups[70], groups[70]
    where = part_of(split_samples(photos, "images", groups))
    assert {where[photos[row].sha256] for row in (10, 40, 70)} == {"train"}


def test_new_classes_that_share_a_group_are_on_one_side() -> None:
    photos = samples(even(12, 6))
    groups = list(range(72))
    groups[6 * 3], groups[6 * 8] = groups[0], groups[0]
    where = part_of(split_samples(photos, "classes", groups))
    assert len({where[photos[row].sha256] for row in (0, 5, 18, 23, 48, 53)}) == 1


def test_a_folder_of_one_burst_a_class_is_refused() -> None:
    photos = samples(even(10, 8))
    with pytest.raises(LookalikeError, match="frames of one burst and near copies count as one"):
        split_samples(photos, "images", burst_numbers(photos, 8))
