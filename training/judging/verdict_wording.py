"""What a training came to, in sentences for everybody: how often the nearest picture is right, and what that means."""

from collections.abc import Sequence

from indexer.wording import count_noun
from training.judging.record import RecordedExample, TrainingRecord


def describe_nearest(outcome: TrainingRecord) -> str:
    """In a sentence, for how many test pictures the nearest picture was of their class, before and now."""
    before, after = (round(figures.p_at_1 * outcome.queries) for figures in (outcome.before, outcome.after))
    now = "all of them" if after == outcome.queries > 1 else f"{after:,}"
    pictures = count_noun(outcome.queries, "picture")
    return f"Of {pictures} that it had not seen, the nearest was right for {before:,} before and for {now} now."


def describe_meaning(outcome: TrainingRecord) -> str:
    """In a sentence, whether the model has become better or worse, or the change may be luck."""
    if not outcome.best_epoch and not outcome.is_out_of_fold:
        return "Nothing was learned that helps: the new model is the old one, unchanged."
    return _describe_gain(outcome) if outcome.install else _describe_doubt(outcome)


def _describe_gain(outcome: TrainingRecord) -> str:
    if outcome.p_at_1_change.high < 0:
        return "Pictures of a kind lie closer together, but the very nearest is right less often."
    if outcome.p_at_1_change.mean <= 0:
        return "The nearest is right about as often, but pictures of a kind lie closer together: clearly better."
    return "That is clearly better."


def _describe_doubt(outcome: TrainingRecord) -> str:
    change = outcome.map_at_r_change
    if change.high < 0:
        return "That is worse: keep the model you have."
    if change.low > 0:
        return "That is hardly better: not worth a change."
    if change.mean > 0:
        return "That can be luck: it takes more pictures to tell."
    return "That is no better: keep the model you have, or train with more pictures."


def describe_use(outcome: TrainingRecord) -> str:
    """What using the model costs: a map is applied to the embeddings that the library has under its base model."""
    if outcome.is_out_of_fold:
        return "Using it takes seconds where the library has embedded its photos already; you can go back."
    return "Using it embeds all photos of the library once more; you can go back."


def describe_matches(side: str, examples: Sequence[RecordedExample]) -> str:
    """How many of the hits shown of one side, "before" or "after", are of the query's class, of how many could be."""
    sides = [(example.matches, example.before if side == "before" else example.after) for example in examples]
    right = sum(hit.same_class for _, hits in sides for hit in hits)
    if any(matches is None for matches, _ in sides):  # of an earlier version
        return f"{side.capitalize()}: {right} of {sum(len(hits) for _, hits in sides)} of the query's class"
    possible = sum(min(matches or 0, len(hits)) for matches, hits in sides)
    return f"{side.capitalize()}: {right} of the {possible} there are"
