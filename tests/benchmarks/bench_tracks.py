"""Does it help on unseen tracks that the frames of a track are matches of each other? (Wang, Gupta 2015)

A track is a sub-folder of FOLDER: frames of a video, pictures of one person. Two thirds of the tracks are learned from
without a label by the recipe unlabelled, once by views of single pictures and once with the tracks as a column of
groups; the frames of the others are then to find each other. Without FOLDER a track is a camera's way over one of the
bundled photographs.
"""

import argparse
import csv
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from indexer.models.embedder import Embedder
from indexer.models.network import create_network, load_network
from indexer.photos.samples import find_photograph_folder
from indexer.progress import drain
from indexer.statistics.metrics import measure_retrieval
from tests.support.burst_pictures import encode_jpeg
from training import TrainConfig, train
from training.data.labelled_folders import PhotoSample, number_labels, survey_folder
from training.judging.judged_models import embed_samples
from training.judging.verdict import wrap_network

FRAMES, FRAME_SHARE, FRAME_SIDE = 6, 0.5, 192  # of a way over a photograph, whose frame is half of its shorter side


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--image-size", type=int, default=128)
    wishes = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        work = Path(place)
        tracks = wishes.folder or write_ways(work / "ways")
        samples = drain(survey_folder(tracks)).samples
        names = sorted({sample.label for sample in samples})
        asked = [sample for sample in samples if names.index(sample.label) % 3 == 2]
        learned = [sample for sample in samples if names.index(sample.label) % 3 != 2]
        column = write_learned(work / "learned", learned)
        print(
            f"{len(learned)} pictures of {len({one.label for one in learned})} tracks learned from, {len(asked)} asked"
        )
        start = create_network(size=wishes.image_size, framing="letterbox")
        report("pretrained", [measure(asked, wrap_network(start, "pretrained"))])
        for name, groups in (("views alone", None), ("tracks as matches", column)):
            figures = []
            for seed in range(wishes.seeds):
                out = work / f"{seed}-{groups is not None}"
                config = TrainConfig(
                    recipe="unlabelled", seed=seed, epochs=wishes.epochs, least_steps=0, image_size=wishes.image_size
                )
                drain(train(config, work / "learned", out, groups_file=groups))
                figures.append(measure(asked, wrap_network(load_network(out), name)))
            report(name, figures)


def write_ways(folder: Path) -> Path:
    """Frames along a straight way over each bundled photograph, each track a sub-folder."""
    random = np.random.default_rng(0)
    for number, path in enumerate(sorted(find_photograph_folder().glob("*/*"))):
        with Image.open(path) as opened:
            photograph = opened.convert("RGB")
        side = int(min(photograph.size) * FRAME_SHARE)
        room = np.array(photograph.size) - side
        begin, end = random.uniform(0, 1, (2, 2)) * room
        track = folder / f"{number:04}"
        track.mkdir(parents=True)
        for frame, share in enumerate(np.linspace(0, 1, FRAMES)):
            left, top = (begin + share * (end - begin)).astype(int).tolist()
            picture = photograph.crop((left, top, left + side, top + side)).resize((FRAME_SIDE, FRAME_SIDE))
            (track / f"{frame}.jpg").write_bytes(encode_jpeg(picture))
    return folder


def write_learned(folder: Path, samples: Sequence[PhotoSample]) -> Path:
    """The pictures in one flat folder, and beside it the column that says which track each is of."""
    folder.mkdir()
    rows = []
    for number, sample in enumerate(samples):
        source = Path(sample.path.decode())
        target = folder / f"{number:05}{source.suffix}"
        shutil.copyfile(source, target)
        rows.append([str(target), sample.label])
    column = folder.with_suffix(".csv")
    with column.open("w", newline="") as file:
        csv.writer(file).writerows([["file", "group"], *rows])
    return column


def measure(samples: Sequence[PhotoSample], embedder: Embedder) -> tuple[float, float]:
    """MAP@R and P@1 of frames that look for the others of their track."""
    embedded = drain(embed_samples("asked", samples, embedder))
    figures = measure_retrieval(embedded.vectors, number_labels(embedded.samples).labels)
    return figures.map_at_r, figures.p_at_1


def report(name: str, figures: Sequence[tuple[float, float]]) -> None:
    """A row: MAP@R and P@1 of each seed, and the means."""
    map_at_r, p_at_1 = zip(*figures, strict=True)
    each = ", ".join(f"{one:.3f} / {other:.3f}" for one, other in figures)
    print(
        f"{name:20} MAP@R / P@1 {each}; mean {statistics.mean(map_at_r):.3f} / {statistics.mean(p_at_1):.3f}",
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
