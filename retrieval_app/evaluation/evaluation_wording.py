"""The sentences of the page Evaluate: figures as counts of photos, and what they were measured on."""

from collections.abc import Mapping
from typing import Any

from indexer.wording import count_noun, name_model, tr
from retrieval_app.evaluation.evaluation_report import EvaluationReport, MeasuredFigure, RankedQuery, ThresholdRates
from retrieval_app.wording import format_count, format_share

P_AT_1_MEANING = tr("P@1: how often the nearest other photo has the same label.")
MAP_AT_R_MEANING = tr(
    "MAP@R: the share of its label among the R nearest photos, R being how many others there "
    "are; early places count more. 1 would be: every photo finds all of its label first."
)
MAP_MEANING = tr("mAP: the mean precision at each photo of the label, over the whole ranking.")


def describe_nearest_found(report: EvaluationReport) -> str:
    """P@1 as a sentence: "For 75 of 100 photos the nearest other one has the same label."."""
    return tr(
        "For {value} of 100 photos the nearest other one has the same label.", value=round(100 * report.p_at_1.value)
    )


def describe_interval(figure: MeasuredFigure) -> str:
    """Where the figure would lie for other photos, in 95 of 100 draws: "0.69 to 0.80"."""
    return tr("{low:.2f} to {high:.2f}", low=figure.low, high=figure.high)


def describe_scope(report: EvaluationReport) -> str:
    """What was measured, and what was left out and why, in sentences."""
    parts = [
        tr(
            "Measured on {labelled_photos} of {labels}, under {model}.",
            labelled_photos=format_count(report.photos, "labelled photo"),
            labels=format_count(len(report.names), "label"),
            model=name_model(report.model, report.fingerprint),
        )
    ]
    measurable = report.labelled - (0 if report.out_of_fold else report.seen)
    if report.photos < measurable:
        parts.append(
            tr(
                "They were drawn evenly over the labels out of {measurable:,}; among fewer photos finding is easier.",
                measurable=measurable,
            )
        )
    if report.out_of_fold:
        parts.append(tr("The model has learned from them: each was measured under a map that was fitted without it."))
    elif report.seen:
        parts.append(
            tr("{photos} that the model has learned from are left out.", photos=format_count(report.seen, "photo"))
        )
    if alone := report.photos - report.queries:
        parts.append(
            tr("{photos} with no other of its label could only be found.", photos=format_count(alone, "photo"))
        )
    return " ".join([*parts, tr("With other photos of these labels the figures would lie in the ranges below them.")])


def describe_cell(queries: list[RankedQuery], total: int, name: str, found_name: str) -> str:
    """What a cell of the confusion matrix holds: "4 of 13 photos of trees: the nearest is one of flowers"."""
    of_label = tr(
        "{queries:,} of {photos} of {name}", queries=len(queries), photos=count_noun(total, "photo"), name=name
    )
    return (
        tr("{of_label}: the nearest is another of them", of_label=of_label)
        if name == found_name
        else (tr("{of_label}: the nearest is one of {found_name}", of_label=of_label, found_name=found_name))
    )


def describe_false_matches(rates: ThresholdRates) -> str:
    """The FMR at a threshold as a sentence."""
    return tr(
        "False matches (FMR) {fmr}: of 1,000 pairs of different labels {fmr2:,.0f} would be taken for the same.",
        fmr=format_share(rates.fmr),
        fmr2=1000 * rates.fmr,
    )


def describe_misses(rates: ThresholdRates) -> str:
    """The FNMR at a threshold as a sentence."""
    return tr(
        "Misses (FNMR) {fnmr}: of 1,000 pairs of one label {fnmr2:,.0f} would be taken for different.",
        fnmr=format_share(rates.fnmr),
        fnmr2=1000 * rates.fnmr,
    )


def describe_comparison(fields: Mapping[str, Any]) -> str:
    """What `lookalike model compare` has found, in sentences; `before` and `after` are the two models."""
    before, after, change = fields["before"], fields["after"], fields["change"]
    agreement = tr(
        "Of the 10 photos nearest to each, {agreement:.1f} are the same under both.", agreement=10 * fields["agreement"]
    )
    if change is None:
        found, found_before = format_share(after["copies_found"]), format_share(before["copies_found"])
        return tr(
            "Without labels it shows only in changed copies: {name} finds {found} of them, "
            "{name2} {found_before}. {agreement}",
            name=after["name"],
            found=found,
            name2=before["name"],
            found_before=found_before,
            agreement=agreement,
        )
    verdicts = {"better": tr("finds labels better than"), "worse": tr("finds labels worse than")}
    verdict = verdicts.get(fields["verdict"], tr("finds labels neither clearly better nor clearly worse than"))
    return tr(
        "{name} {verdict} {name2}: MAP@R changes by {mean:+.3f}, with other photos {low:+.3f} to "
        "{high:+.3f}. {agreement}",
        name=after["name"],
        verdict=verdict,
        name2=before["name"],
        mean=change["mean"],
        low=change["low"],
        high=change["high"],
        agreement=agreement,
    )
