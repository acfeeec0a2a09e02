"""The sentences of the page Evaluate: figures as counts of photos, and what they were measured on."""

from indexer.wording import count_noun
from retrieval_app.evaluation.evaluation_report import EvaluationReport, MeasuredFigure, RankedQuery
from retrieval_app.wording import format_count

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
    """Where the figure would lie for other photos: "with other photos of these labels 0.69 to 0.80"."""
    return f"with other photos {figure.low:.2f} to {figure.high:.2f}"


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
    return " ".join(parts)


def describe_cell(queries: list[RankedQuery], total: int, name: str, found_name: str) -> str:
    """What a cell of the confusion matrix holds: "4 of 13 photos of trees: the nearest is one of flowers"."""
    of_label = f"{len(queries):,} of {count_noun(total, 'photo')} of {name}"
    return (
        f"{of_label}: the nearest is another of them"
        if name == found_name
        else (f"{of_label}: the nearest is one of {found_name}")
    )
