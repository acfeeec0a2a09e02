"""The sentences of the page Evaluate: figures as counts of photos, and what they were measured on."""

from collections.abc import Mapping
from typing import Any

from indexer.wording import count_noun
from retrieval_app.evaluation.evaluation_report import EvaluationReport, MeasuredFigure, RankedQuery, ThresholdRates
from retrieval_app.wording import format_count, format_share

P_AT_1_MEANING = "P@1: how often the nearest other photo has the same label."
MAP_AT_R_MEANING = (
    "MAP@R: the share of its label among the R nearest photos, R being how many others there are; early places count "
    "more. 1 would be: every photo finds all of its label first."
)
MAP_MEANING = "mAP: the mean precision at each photo of the label, over the whole ranking."


def describe_nearest_found(report: EvaluationReport) -> str:
    """P@1 as a sentence: "For 75 of 100 photos the nearest other one has the same label."."""
    return f"For {round(100 * report.p_at_1.value)} of 100 photos the nearest other one has the same label."


def describe_interval(figure: MeasuredFigure) -> str:
    """Where the figure would lie for other photos, in 95 of 100 draws: "0.69 to 0.80"."""
    return f"{figure.low:.2f} to {figure.high:.2f}"


def describe_scope(report: EvaluationReport) -> str:
    """What was measured, and what was left out and why, in sentences."""
    parts = [
        f"Measured on {format_count(report.photos, 'labelled photo')} of {format_count(len(report.names), 'label')}, "
        f"under {report.model}."
    ]
    measurable = report.labelled - (0 if report.out_of_fold else report.seen)
    if report.photos < measurable:
        parts.append(
            f"They were drawn evenly over the labels out of {measurable:,}; among fewer photos finding is easier."
        )
    if report.out_of_fold:
        parts.append("The model has learned from them: each was measured under a map that was fitted without it.")
    elif report.seen:
        parts.append(f"{format_count(report.seen, 'photo')} that the model has learned from are left out.")
    if alone := report.photos - report.queries:
        parts.append(f"{format_count(alone, 'photo')} with no other of its label could only be found.")
    return " ".join([*parts, "With other photos of these labels the figures would lie in the ranges below them."])


def describe_cell(queries: list[RankedQuery], total: int, name: str, found_name: str) -> str:
    """What a cell of the confusion matrix holds: "4 of 13 photos of trees: the nearest is one of flowers"."""
    of_label = f"{len(queries):,} of {count_noun(total, 'photo')} of {name}"
    return (
        f"{of_label}: the nearest is another of them"
        if name == found_name
        else (f"{of_label}: the nearest is one of {found_name}")
    )


def describe_false_matches(rates: ThresholdRates) -> str:
    """The FMR at a threshold as a sentence."""
    return (
        f"False matches (FMR) {format_share(rates.fmr)}: of 1,000 pairs of different labels {1000 * rates.fmr:,.0f} "
        "would be taken for the same."
    )


def describe_misses(rates: ThresholdRates) -> str:
    """The FNMR at a threshold as a sentence."""
    return (
        f"Misses (FNMR) {format_share(rates.fnmr)}: of 1,000 pairs of one label {1000 * rates.fnmr:,.0f} would be "
        "taken for different."
    )


def describe_comparison(fields: Mapping[str, Any]) -> str:
    """What `lookalike model compare` has found, in sentences; `before` and `after` are the two models."""
    before, after, change = fields["before"], fields["after"], fields["change"]
    agreement = f"Of the 10 photos nearest to each, {10 * fields['agreement']:.1f} are the same under both."
    if change is None:
        found, found_before = format_share(after["copies_found"]), format_share(before["copies_found"])
        return (
            f"Without labels it shows only in changed copies: {after['name']} finds {found} of them, {before['name']} "
            f"{found_before}. {agreement}"
        )
    verdicts = {"better": "finds labels better than", "worse": "finds labels worse than"}
    verdict = verdicts.get(fields["verdict"], "finds labels neither clearly better nor clearly worse than")
    return (
        f"{after['name']} {verdict} {before['name']}: MAP@R changes by {change['mean']:+.3f}, with other photos "
        f"{change['low']:+.3f} to {change['high']:+.3f}. {agreement}"
    )
