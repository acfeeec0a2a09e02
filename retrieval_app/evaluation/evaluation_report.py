"""What `lookalike evaluate --library --json` has found, as values that the page can show."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from indexer.statistics.detailed_metrics import DistanceHistogram


class MeasuredFigure(NamedTuple):
    """A figure from 0 to 1 and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


class RankedPhoto(NamedTuple):
    """A photo as found by a query: its id, its label as a place in the names, and its distance."""

    photo_id: int
    label: int
    distance: float


class RankedQuery(NamedTuple):
    """A photo that asked, its label as a place in the names, and what it found, nearest first."""

    photo_id: int
    label: int
    found: tuple[RankedPhoto, ...]


class LabelRow(NamedTuple):
    """The figures of one label: its number of photos, P@1 and MAP@R of those that ask."""

    name: str
    photos: int
    p_at_1: float
    map_at_r: float


class ThresholdRates(NamedTuple):
    """FMR and FNMR at a threshold, a distance."""

    distance: float
    fmr: float
    fnmr: float


class EvaluationReport(NamedTuple):
    """An evaluation of a library's model; labels are places in `names`, `rates` in ascending order of distance.

    `photos` of the `labelled` ones were measured, `queries` of them could ask. `seen` ones the model has learned from:
    they are left out, unless the figures are `out_of_fold`. `fields` is the whole result, for export.
    """

    model: str
    fingerprint: str
    photos: int
    labelled: int
    seen: int
    queries: int
    out_of_fold: bool
    names: tuple[str, ...]
    p_at_1: MeasuredFigure
    map_at_r: MeasuredFigure
    mean_average_precision: MeasuredFigure
    r_precision: float
    eer: float | None
    backed_thresholds: tuple[ThresholdRates, ...]
    rates: tuple[ThresholdRates, ...]
    histogram: DistanceHistogram
    labels: tuple[LabelRow, ...]
    nearest: tuple[RankedQuery, ...]
    hardest: tuple[RankedQuery, ...]
    fields: Mapping[str, Any]

    def group_by_cell(self) -> dict[tuple[int, int], list[RankedQuery]]:
        """The queries by their own label and the label of the nearest photo that each has found."""
        cells: dict[tuple[int, int], list[RankedQuery]] = defaultdict(list)
        for query in self.nearest:
            cells[query.label, query.found[0].label].append(query)
        return dict(cells)

    def find_rates(self, distance: float) -> ThresholdRates | None:
        """The rates at the measured threshold nearest to a distance; None where there are none."""
        if not self.rates:
            return None
        place = bisect_left(self.rates, distance, key=lambda rate: rate.distance)
        around = self.rates[max(0, place - 1) : place + 1]
        return min(around, key=lambda rate: abs(rate.distance - distance))


def parse_report(fields: Mapping[str, Any]) -> EvaluationReport:
    """The report of the fields of a result."""

    def read_figure(name: str) -> MeasuredFigure:
        low, high = fields["intervals"][name]
        return MeasuredFigure(fields[name], low, high)

    nearest = fields["nearest"]
    columns = (nearest[name] for name in ("photo", "label", "found", "found_label", "distance"))
    return EvaluationReport(
        model=fields["model"],
        fingerprint=fields["fingerprint"],
        photos=fields["photos"],
        labelled=fields["labelled"],
        seen=fields["seen"],
        queries=fields["queries"],
        out_of_fold=fields["out_of_fold"],
        names=tuple(fields["names"]),
        p_at_1=read_figure("p_at_1"),
        map_at_r=read_figure("map_at_r"),
        mean_average_precision=read_figure("mean_average_precision"),
        r_precision=fields["r_precision"],
        eer=fields["eer"],
        backed_thresholds=tuple(
            ThresholdRates(point["distance"], point["fmr"], point["fnmr"]) for point in fields["thresholds"]
        ),
        rates=tuple(map(ThresholdRates._make, zip(*fields["rates"].values(), strict=True))),
        histogram=DistanceHistogram(**fields["histogram"]),
        labels=tuple(
            LabelRow(row["label"], row["photos"], row["p_at_1"], row["map_at_r"]) for row in fields["per_class"]
        ),
        nearest=tuple(
            RankedQuery(photo, label, (RankedPhoto(found, found_label, distance),))
            for photo, label, found, found_label, distance in zip(*columns, strict=True)
        ),
        hardest=tuple(map(_parse_query, fields["hardest"])),
        fields=fields,
    )


def _parse_query(fields: Mapping[str, Any]) -> RankedQuery:
    columns = zip(fields["found"], fields["found_label"], fields["distance"], strict=True)
    return RankedQuery(fields["photo"], fields["label"], tuple(map(RankedPhoto._make, columns)))
