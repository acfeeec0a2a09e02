"""What a training came to, in sentences for everybody: how often the nearest picture is right, and what that means."""

from collections.abc import Sequence

from indexer.wording import count_noun, tr
from training.judging.record import RecordedExample, TrainingRecord


def describe_nearest(outcome: TrainingRecord) -> str:
    """In a sentence, for how many test pictures the nearest picture was of their class, before and now."""
    before, after = (round(figures.p_at_1 * outcome.queries) for figures in (outcome.before, outcome.after))
    pictures = count_noun(outcome.queries, "picture")
    if after == outcome.queries > 1:
        return tr(
            "Of {pictures} that it had not seen, the nearest was right for {before:,} before and for all of them now.",
            pictures=pictures,
            before=before,
        )
    return tr(
        "Of {pictures} that it had not seen, the nearest was right for {before:,} before and for {after:,} now.",
        pictures=pictures,
        before=before,
        after=after,
    )


def describe_meaning(outcome: TrainingRecord) -> str:
    """In a sentence, whether the model has become better or worse, or the change may be luck."""
    if not outcome.best_epoch and not outcome.is_out_of_fold:
        return tr("Nothing was learned that helps: the new model is the old one, unchanged.")
    return _describe_gain(outcome) if outcome.install else _describe_doubt(outcome)


def _describe_gain(outcome: TrainingRecord) -> str:
    if outcome.p_at_1_change.high < 0:
        return tr("Pictures of a kind lie closer together, but the very nearest is right less often.")
    if outcome.p_at_1_change.mean <= 0:
        return tr("The nearest is right about as often, but pictures of a kind lie closer together: clearly better.")
    return tr("That is clearly better.")


def _describe_doubt(outcome: TrainingRecord) -> str:
    change = outcome.map_at_r_change
    if change.high < 0:
        return tr("That is worse: keep the model you have.")
    if change.low > 0:
        return tr("That is hardly better: not worth a change.")
    if change.mean > 0:
        return tr("That can be luck: it takes more pictures to tell.")
    return tr("That is no better: keep the model you have, or train with more pictures.")


def describe_use(outcome: TrainingRecord) -> str:
    """What using the model costs: a map is applied to the embeddings that the library has under its base model."""
    if outcome.is_out_of_fold:
        return tr("Using it takes seconds where the library has embedded its photos already; you can go back.")
    return tr("Using it embeds all photos of the library once more; you can go back.")


def describe_matches(side: str, examples: Sequence[RecordedExample]) -> str:
    """How many of the hits shown of one side, "before" or "after", are of the query's class, of how many could be."""
    sides = [(example.matches, example.before if side == "before" else example.after) for example in examples]
    name = tr("Before") if side == "before" else tr("After")
    right = sum(hit.same_class for _, hits in sides for hit in hits)
    if any(matches is None for matches, _ in sides):  # of an earlier version
        shown = sum(len(hits) for _, hits in sides)
        return tr("{side}: {right:,} of {shown:,} of the query's class", side=name, right=right, shown=shown)
    possible = sum(min(matches or 0, len(hits)) for matches, hits in sides)
    return tr("{side}: {right:,} of the {possible:,} there are", side=name, right=right, possible=possible)


def describe_change(outcome: TrainingRecord) -> str:
    """By how much the figures change, with the intervals that the verdict rests on."""
    change, nearest = outcome.map_at_r_change, outcome.p_at_1_change
    sentences = [
        tr(
            "MAP@R changes by {mean:+.3f} (95 % interval {low:+.3f} to {high:+.3f}), over {pictures}.",
            mean=change.mean,
            low=change.low,
            high=change.high,
            pictures=count_noun(outcome.queries, "picture"),
        )
    ]
    if nearest.high < 0:
        sentences.append(
            tr(
                "P@1 changes by {mean:+.3f} (95 % interval {low:+.3f} to {high:+.3f}).",
                mean=nearest.mean,
                low=nearest.low,
                high=nearest.high,
            )
        )
    if outcome.least_gain and change.low <= 0:
        sentences.append(
            tr(
                "So many pictures show a gain of {least:.3f} in four of five cases, and a smaller one less often.",
                least=outcome.least_gain,
            )
        )
    return " ".join(sentences)
