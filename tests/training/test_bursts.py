"""A folder of bursts whose labels mean nothing fools no recipe, from a folder or from a library's labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.grouping.group_column import read_group_column
from indexer.grouping.photo_groups import count_groups, find_close_rows
from indexer.indexing.run import index_library
from indexer.library import Library
from indexer.models.network import create_network
from indexer.progress import drain
from indexer.statistics.metrics import bootstrap_difference
from tests.support.burst_pictures import write_burst_folder
from tests.support.embedders import Tiny
from tests.support.quick_training import QUICK, run_to_end
from training.data.groups import group_photos
from training.data.labelled_folders import PhotoSample, number_labels, survey_folder
from training.data.sources import LibraryLabels, find_group_folders
from training.instant_run import LEAST_GAIN
from training.judging.judged_models import EmbeddedSamples, embed_samples
from training.judging.out_of_fold import LabelledVectors, examine_metric
from training.judging.record import read_record
from training.judging.verdict import wrap_network
from training.settings.config import TrainConfig
from training.stepped_run import _divide_source

CLASSES, BURSTS, FRAMES = 5, 4, 3
SENTENCE = "60 photos in 20 groups: 60 near copies stay together."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five classes of four bursts of three frames, the classes drawn by lot."""
    place = tmp_path_factory.mktemp("bursts") / "lot"
    return write_burst_folder(place, classes=CLASSES, bursts=BURSTS, frames=FRAMES)


@pytest.fixture(scope="module")
def samples(folder: Path) -> tuple[PhotoSample, ...]:
    return drain(survey_folder(folder)).samples


@pytest.fixture(scope="module")
def embedded(samples: tuple[PhotoSample, ...]) -> EmbeddedSamples:
    return drain(embed_samples("bursts", samples, wrap_network(create_network(), "bursts")))


def is_accepted(embedded: EmbeddedSamples, groups: np.ndarray) -> bool:
    """Whether the whole exam of a class metric would say that it is better."""
    photos = LabelledVectors(embedded.vectors, number_labels(embedded.samples).labels, groups)
    figures = list(examine_metric(photos, "images"))[-1]
    change = bootstrap_difference(figures.before.map_at_r, figures.after.map_at_r, groups=groups[figures.rows])
    return change.low > 0 and change.mean >= LEAST_GAIN


def test_the_exam_is_fooled_where_bursts_are_parted_and_not_where_they_are_not(embedded: EmbeddedSamples) -> None:
    groups = drain(group_photos(embedded.samples, traits=embedded.traits))
    assert is_accepted(embedded, np.arange(len(embedded.samples)))
    assert not is_accepted(embedded, groups.numbers)


def test_what_lies_near_another_by_embeddings_is_enough_to_find_all_groups(embedded: EmbeddedSamples) -> None:
    everything = drain(group_photos(embedded.samples, traits=embedded.traits))
    few = drain(group_photos(embedded.samples, vectors=embedded.vectors))
    assert few.numbers.tolist() == everything.numbers.tolist()
    assert count_groups(few) == CLASSES * BURSTS


def test_only_what_lies_near_another_is_read() -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((2_000, 64)).astype(np.float32)
    vectors[1_999] = vectors[3] + 0.1 * random.standard_normal(64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    distances = np.linalg.norm(vectors[:, None, :] - vectors[[3, 1_999]], axis=2)
    assert np.sort(distances, axis=0)[2].min() > 0.76
    assert {3, 1_999} <= set(find_close_rows(vectors).tolist())


def test_instant_refuses_a_folder_of_bursts_and_says_its_groups(folder: Path, tmp_path: Path) -> None:
    result = run_to_end(TrainConfig(recipe="instant"), folder, tmp_path / "out").result
    assert not result.verdict.install
    assert SENTENCE in result.source_remarks
    record = read_record(result.checkpoint)
    recorded = [tuple(side or ()) for side in (record.identification_before, record.identification_after)]
    assert recorded == [tuple(side) for side in result.verdict.identification or ()]
    assert record.identification_before is not None
    assert record.identification_before.photos == CLASSES * BURSTS
    assert record.identification_before.identified < 0.3
    assert f"Of {CLASSES * BURSTS} pictures" in record.identification_sentence
    assert record.least_gain is not None
    assert f"show a gain of {record.least_gain:.3f} in four of five" in record.why


@pytest.mark.long
def test_quick_refuses_a_library_labelled_by_bursts(folder: Path, tmp_path: Path) -> None:
    with Library.create(tmp_path / "bursts.library") as library:
        drain(index_library(library, [folder], Tiny(), labelled=True))
    config, source = replace(QUICK, recipe="quick", epochs=1), LibraryLabels(tmp_path / "bursts.library")
    result = run_to_end(config, source, tmp_path / "out").result
    assert not result.verdict.install
    assert SENTENCE in result.source_remarks


def test_what_a_column_of_groups_lists_is_on_one_side(
    folder: Path, samples: tuple[PhotoSample, ...], tmp_path: Path
) -> None:
    with Library.create(tmp_path / "bursts.library") as library:
        drain(index_library(library, [folder], Tiny(), labelled=True))
    names = [Path(sample.path.decode()).relative_to(folder) for sample in samples]
    listed = tmp_path / "groups.csv"
    listed.write_text("file,group\n" + "".join(f"{name},all\n" for name in names if name.parent.name == "class-00"))
    for source in (folder, LibraryLabels(tmp_path / "bursts.library")):
        column = read_group_column(listed, *find_group_folders(source))
        parts, remarks, groups = drain(_divide_source(source, TrainConfig(), column))
        sides = [sum(sample.label == "class-00" for sample in part) for part in parts]
        assert sorted(sides) == [0, 0, BURSTS * FRAMES]
        assert len(set(groups.values())) == CLASSES * BURSTS - BURSTS + 1
        assert remarks[-1].startswith("60 photos in 17 groups: 60 near copies")
