"""Every order and grouping is that of a plain sort of the facts, among the photos that are wanted."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from indexer.clustering.photo_clusters import update_clusters
from indexer.library import Library
from indexer.progress import drain
from indexer.ranking.photo_arrangement import (
    GROUP_ORDERS,
    PHOTO_ORDERS,
    ArrangedPhotos,
    PhotoArrangement,
    PhotoArranger,
    parse_arrangement,
)
from indexer.wording import convert_to_microseconds
from tests.support.embedders import tiny_card
from tests.support.vectors import clustered, outcome

pytestmark = pytest.mark.usefixtures("engine")

COUNT, GROUPED = 240, 200
FOLDERS = ("", "a", "a/b", "Alps")
NAMES = ("img", "IMG", "\u00c9clair", "9 lives")
ROOTS = (b"/nowhere/photos", b"/else/more")


class Fact(NamedTuple):
    """What a plain sort knows of one photo; `name` with its number told apart, as people sort it."""

    id: int
    root: int
    folder: str
    name: tuple[str, int]
    taken: datetime
    pixels: int
    label: str | None
    cluster: int = -1


class World(NamedTuple):
    """A library of made-up photos and the facts of each."""

    library: Library
    facts: dict[int, Fact]

    def arrange(self, ids: Any, *words: Any) -> ArrangedPhotos:
        return PhotoArranger(self.library).arrange_photos(np.array(ids, np.int64), PhotoArrangement(*words))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    random, facts = np.random.default_rng(0), dict[int, Fact]()
    with Library.create(tmp_path_factory.mktemp("orders") / "x.library") as library:
        store, card = library.store, tiny_card()
        model = store.models.add_model(card.fingerprint, card.name, card.dim)
        for root_path in ROOTS:
            store.files.add_root(root_path, labelled=True)
        for number, vector in enumerate(clustered(COUNT)):
            if number == GROUPED:  # the later ones are in no group
                clusters = drain(update_clusters(library))
                codes = dict(zip(clusters.ids.tolist(), clusters.codes.tolist(), strict=True))
            root, folder, name = (int(random.integers(n)) for n in (2, len(FOLDERS), len(NAMES)))
            taken = datetime(1969, 11, 3) + timedelta(days=int(random.integers(400)), microseconds=number)
            width, label = int(random.integers(1, 6000)), [None, "Zebra", "ant", "bee"][random.integers(4)]
            path = os.path.join(FOLDERS[folder], f"{NAMES[name]}{number}.jpg")  # noqa: PTH118
            made = outcome(root + 1, number, vector)._replace(
                width=width,
                height=1000,
                label=label,
                capture=(convert_to_microseconds(taken), None, *"xyz", *[None] * 6),
            )
            store.record_outcomes([made._replace(file=made.file._replace(path=path.encode()))], model)
            plain = {"\u00c9clair": "eclair", "9 lives": "9 lives"}.get(NAMES[name], "img")
            facts[number + 1] = Fact(number + 1, root, FOLDERS[folder], (plain, number), taken, width * 1000, label)
        library.annotations.set_label([3, 4], "Mine")
        facts |= {id: facts[id]._replace(label="Mine") for id in (3, 4)}
        facts |= {id: facts[id]._replace(cluster=code) for id, code in codes.items()}
        yield World(library, facts)


def key_of(fact: Fact, order: str) -> Any:
    return {
        "folder": (fact.root, fact.folder.encode(), fact.name, fact.id),
        "name": (fact.name, fact.id),
        "taken": (fact.taken, fact.id),
        "added": fact.id,
        "size": (fact.pixels, fact.id),
        "label": ((fact.label or "").casefold(), fact.id),
        "cluster": (fact.cluster, fact.id),
    }[order]


def section_of(fact: Fact, order: str) -> Any:
    return {
        "folder": (fact.root, fact.folder.encode()),
        "name": fact.name[0][0].upper(),
        "taken": (fact.taken.year, fact.taken.month),
        "added": 0,
        "size": fact.pixels // 1_000_000,
        "label": (fact.label or "").casefold(),
        "cluster": fact.cluster,
    }[order]


def is_known(fact: Fact, order: str) -> bool:
    return {"label": bool(fact.label), "cluster": fact.cluster >= 0}.get(order, True)


def sort_plainly(facts: list[Fact], order: str, *, turned: bool) -> list[Fact]:
    """By Python's own sort; photos without a label or group last, in the order in which they were given."""
    known = [fact for fact in facts if is_known(fact, order)]
    ordered = sorted(known, key=lambda fact: key_of(fact, order), reverse=PHOTO_ORDERS[order].is_descending != turned)
    return ordered + [fact for fact in facts if fact not in known]


@pytest.mark.parametrize(("order", "turned"), list(product(PHOTO_ORDERS, (False, True))))
def test_every_order_is_that_of_a_plain_sort(world: World, order: str, turned: bool) -> None:
    wanted = [id for id in world.facts if id % 3]
    found = world.arrange(wanted, order, turned)
    expected = sort_plainly([world.facts[id] for id in wanted], order, turned=turned)
    assert found.ids.tolist() == [fact.id for fact in expected]
    runs = [len(list(run)) for _, run in groupby(expected, key=lambda fact: section_of(fact, order))]
    assert [section.start for section in found.sections] == np.cumsum([0, *runs])[:-1].tolist()


@pytest.mark.parametrize(("grouping", "order"), list(product(GROUP_ORDERS, ("name", "taken", "label"))))
def test_groups_lie_together_and_keep_the_order_within(world: World, grouping: str, order: str) -> None:
    found = world.arrange(list(world.facts), order, False, grouping)
    within = [world.facts[id] for id in sort_ids(world, order)]
    if grouping != order:
        known = [fact for fact in within if is_known(fact, grouping)]
        turned = PHOTO_ORDERS[grouping].is_descending
        known.sort(key=lambda fact: section_of(fact, grouping), reverse=turned)
        within = known + [fact for fact in within if fact not in known]
    assert found.ids.tolist() == [fact.id for fact in within]


def sort_ids(world: World, order: str) -> list[int]:
    return [fact.id for fact in sort_plainly(list(world.facts.values()), order, turned=False)]


def test_sections_are_called_what_people_call_them(world: World) -> None:
    def titles(*words: Any) -> set[str]:
        return {section.title for section in world.arrange(list(world.facts), *words).sections}

    assert {"December 1969", "February 1970"} <= titles("taken")
    assert titles("label") == {"ant", "bee", "Mine", "Zebra", "No label"}
    assert {"photos", "photos/a/b", "more/Alps"} <= titles("folder")
    assert titles("name") == {"E", "I", "0-9"}
    assert {section.mark for section in world.arrange([1, 2, 3], "taken").sections} <= {"1969", "1970"}


def test_photos_that_an_order_does_not_know_come_last(world: World) -> None:
    assert world.arrange([7, 10**6], "name").ids.tolist() == [7, 10**6]
    assert world.arrange([], "taken", False, "label").ids.tolist() == []


def test_a_change_of_the_library_is_seen_at_once(world: World) -> None:
    arranger = PhotoArranger(world.library)
    ids, by_label = np.array(list(world.facts), np.int64), PhotoArrangement("label")
    before = arranger.arrange_photos(ids, by_label)
    assert arranger.arrange_photos(ids, by_label).ids.tolist() == before.ids.tolist()
    with Library.open(world.library.folder) as other:
        other.annotations.set_label([5], "Aardvark")
    try:
        assert arranger.arrange_photos(ids, by_label).sections[0].title == "Aardvark"
    finally:
        world.library.annotations.set_label([5], None)


@pytest.mark.parametrize(
    "setting", [None, 7, "name", [], ["name", 1, "colour"], {"order": 1}, ["x", 0, ""], [[], 0, ""]]
)
def test_a_damaged_setting_is_the_usual_order(setting: object) -> None:
    assert parse_arrangement(setting) == PhotoArrangement()
    assert parse_arrangement(["taken", 1, "label"]) == PhotoArrangement("taken", True, "label")


@pytest.mark.sqlite_file
def test_each_order_reads_an_index_that_has_all_of_it(tmp_path: Path) -> None:
    """Or a large library would be sorted anew each time."""
    with Library.create(tmp_path / "x.library") as library:
        for order in ("root, folder, name_key, photo", "name_key, photo", "taken_us, photo"):
            sql = f"SELECT photo FROM files WHERE state = 'present' ORDER BY {order}"
            ((*_, plan),) = library.store.database.fetch_rows(f"EXPLAIN QUERY PLAN {sql}")
            assert "INDEX files_by_" in plan
