"""How often the heat maps of `explain` peak on what two pictures share: a drawing planted in two photographs.

The same drawing (of the bundled ones, compact and filled) lies at a random place, 0.3 to 0.5 of the side large, on
squares cut from two different photographs. A peak counts where the hottest point of the heat map, as it is shown, lies
in the drawing's box. Beside it: what chance gives, and the plain decomposition of Stylianou, Souvenir and Pless, in
which a place counts by its product with the whole other picture.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from indexer.models import model
from indexer.models.installation import ModelChoice, install_model
from indexer.progress import drain
from indexer.reports.heat_maps import compute_heat_maps, enlarge_heat
from tests.support.planted import SIDE, Pair, Planted, planted_pairs

PAIRS, TARGET = 200, 0.8
Method = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def main(arguments: Sequence[str] = ()) -> None:
    count = int(arguments[0]) if arguments else PAIRS
    with tempfile.TemporaryDirectory() as work:
        card = drain(install_model(ModelChoice(), Path(work)))
        network = model.load_model(Path(work) / card.fingerprint, runtime="query")
        pairs = planted_pairs(count)
        maps = [network.compute_feature_maps(np.stack([pair.first.pixels, pair.second.pixels])) for pair in pairs]
    chance = np.mean([picture.share() for pair in pairs for picture in pair])
    print(f"{count} pairs, {2 * count} pictures; a random point lies on the drawing in {chance:.2f}")
    for name, method in {"explain": compute_heat_maps, "plain decomposition": decompose_plainly}.items():
        peak_hits = find_peak_hits(method, maps, pairs)
        in_both = peak_hits.all(1).mean()
        print(f"{name:<20} peak on the drawing {peak_hits.mean():.3f}, in both pictures of a pair {in_both:.3f}")
    reached = find_peak_hits(compute_heat_maps, maps, pairs).mean() >= TARGET
    print(f"target {TARGET}: {'reached' if reached else 'missed'}")


def find_peak_hits(method: Method, maps: list[np.ndarray], pairs: list[Pair]) -> np.ndarray:
    """Whether the peaks of the heat maps lie on the drawings, bool (pairs, 2)."""
    return np.array(
        [
            [_peaks_on_drawing(heat, picture) for heat, picture in zip(method(*features), pair, strict=True)]
            for features, pair in zip(maps, pairs, strict=True)
        ]
    )


def _peaks_on_drawing(heat: np.ndarray, picture: Planted) -> bool:
    enlarged = enlarge_heat(heat, (SIDE, SIDE))
    y, x = np.unravel_index(int(enlarged.argmax()), enlarged.shape)
    return picture.holds(float(x), float(y))


def decompose_plainly(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two heat maps (h, w): the product of each place with the mean of the other picture, scaled to a maximum of 1."""
    first_heat, second_heat = (np.tensordot(b.mean((1, 2)), a, axes=1) for a, b in ((first, second), (second, first)))
    return first_heat / first_heat.max(), second_heat / second_heat.max()


if __name__ == "__main__":
    main()
