"""The card for people beside a checkpoint, `MODEL.md`: what the model is, what it learned from, figures, limits.

After Mitchell et al. 2019, "Model Cards for Model Reporting". Class names and folders come from anywhere: they are
shown as printable text with Markdown's own signs escaped.
"""

from collections.abc import Sequence

from training.judging.record import TrainingRecord

MODEL_CARD_FILE = "MODEL.md"
MARKDOWN_ESCAPES = str.maketrans({sign: "\\" + sign for sign in "\\`*_{}[]()<>#|!"})
MODEL_LIMITS = (
    "The figures hold for pictures like those of the test part: for another kind of picture, measure again with "
    "`lookalike evaluate FOLDER --model CHECKPOINT`.",
    "A distance says that two pictures look alike to this model, not that they show the same thing.",
    "What the classes leave out or mix up, the model has learned to leave out or mix up.",
    "It is not made for decisions about people.",
)
SEEN_PARTS = {"centre": "the middle square of a picture", "letterbox": "the whole of a picture"}  # by framing


def render_model_card(record: TrainingRecord) -> str:
    """The card of a training as Markdown."""
    limits = [*([_escape_markdown(record.scope)] if record.scope else []), *MODEL_LIMITS]
    lines = [
        "# Model card",
        "",
        _escape_markdown(record.source) + ".",
        "",
        f"It turns a picture into {record.dim:,} numbers of length 1; the nearer two of them, the more alike the "
        f"pictures. It sees {SEEN_PARTS[record.framing]} at {record.config['image_size']} pixels.",
        "",
        "## For what",
        "",
        _describe_purpose(record),
        "",
        "## Learned from",
        "",
        *_describe_training(record),
        "",
        "## Figures",
        "",
        *_describe_figures(record),
        "",
        "## Limits",
        "",
        *(f"- {limit}" for limit in limits),
    ]
    return "\n".join(lines) + "\n"


def _describe_purpose(record: TrainingRecord) -> str:
    if record.config["recipe"] == "unlabelled":
        return "Finding pictures that look alike. It learned from views of each picture, and no classes."
    if record.config["purpose"] == "classes":
        return "Finding pictures of the same class among classes that it did not learn from."
    return "Finding further pictures of the classes that it learned from. Nothing was measured on other classes."


def _describe_training(record: TrainingRecord) -> list[str]:
    parts, epochs = record.parts, len(record.epochs) - 1
    if record.is_out_of_fold:
        return [
            f"- {parts['train']:,} pictures to learn from, each judged under a map that was fitted without it.",
            f"- {_escape_markdown(record.recipe)}",
        ]
    lines = [
        f"- {parts['train']:,} pictures to learn from, {parts['validation']:,} others to choose the best epoch by.",
        f"- {_escape_markdown(record.recipe)}",
        f"- {_escape_markdown(record.config['loss'])} loss, {epochs} epochs, {record.epochs[-1].seconds:.0f} seconds.",
    ]
    if record.unreadable:
        lines.append(f"- {len(record.unreadable):,} could not be read and took no part.")
    return [
        *lines,
        *(f"- {_escape_markdown(words)}" for words in (record.stopped, record.collapse, record.refit) if words),
    ]


def _describe_figures(record: TrainingRecord) -> Sequence[str]:
    rows = [*([record.pixels] if record.pixels else []), *reversed(record.pretrained), record.after]
    change = record.map_at_r_change
    classes = f" of {record.classes:,} classes" if record.scope else ""
    return [
        f"On {record.queries:,} pictures{classes} that neither taught nor chose the model:",
        "",
        "| | P@1 | R-precision | MAP@R |",
        "|---|---|---|---|",
        *(
            f"| {_escape_markdown(row.model)} | {row.p_at_1:.3f} | {row.r_precision:.3f} | {row.map_at_r:.3f} |"
            for row in rows
        ),
        "",
        f"Change of MAP@R: {change.mean:+.3f}, 95 % interval {change.low:+.3f} to {change.high:+.3f} over "
        f"{change.resampling_unit}. {_escape_markdown(record.why)} {record.identification_sentence}".rstrip(),
    ]


def _escape_markdown(words: str) -> str:
    return " ".join(words.split()).translate(MARKDOWN_ESCAPES)
