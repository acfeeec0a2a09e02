"""The card for people beside a checkpoint, `MODEL.md`: what the model is, what it learned from, figures, limits.

After Mitchell et al. 2019, "Model Cards for Model Reporting". Class names and folders come from anywhere: they are
shown as printable text without Markdown's own signs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

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


def render_model_card(story: Mapping[str, Any]) -> str:
    """The card of a training's fields (`TrainResult.fields`), as Markdown."""
    lines = [
        "# Model card",
        "",
        _escape_markdown(story["source"]) + ".",
        "",
        f"It turns a picture into {story['dim']:,} numbers of length 1; the nearer two of them, the more alike the "
        f"pictures. It sees {SEEN_PARTS[story['framing']]} at {story['config']['image_size']} pixels.",
        "",
        "## For what",
        "",
        *_describe_purpose(story),
        "",
        "## Learned from",
        "",
        *_describe_training(story),
        "",
        "## Figures",
        "",
        *_describe_figures(story),
        "",
        "## Limits",
        "",
        *(f"- {limit}" for limit in (*_describe_thresholds(story), *MODEL_LIMITS)),
    ]
    return "\n".join(lines) + "\n"


def _describe_purpose(story: Mapping[str, Any]) -> Sequence[str]:
    if story["config"]["recipe"] == "unlabelled":
        return ["Finding pictures that look alike. It learned from views of each picture, and no classes."]
    if story["config"]["purpose"] == "classes":
        return ["Finding pictures of the same class among classes that it did not learn from."]
    return ["Finding further pictures of the classes that it learned from. Nothing was measured on other classes."]


def _describe_training(story: Mapping[str, Any]) -> list[str]:
    parts, left_out = story["parts"], len(story["unreadable"])
    lines = [
        f"- {parts['train']:,} pictures to learn from, {parts['validation']:,} others to choose the best epoch by.",
        f"- {_escape_markdown(story['recipe'])}",
        f"- {_escape_markdown(story['config']['loss'])} loss, {len(story['epochs']) - 1} epochs, "
        f"{story['seconds']:.0f} seconds.",
    ]
    if left_out:
        lines.append(f"- {left_out:,} could not be read and took no part.")
    return [*lines, *(f"- {_escape_markdown(story[key])}" for key in ("stopped", "collapse") if story[key])]


def _describe_figures(story: Mapping[str, Any]) -> list[str]:
    rows = [row for row in (story["pixels"], *reversed(story["pretrained"]), story["after"]) if row]
    change = story["change"]
    classes = f" of {story['classes']:,} classes" if story["thresholds"] else ""
    return [
        f"On {story['queries']:,} pictures{classes} that neither taught nor chose the model:",
        "",
        "| | P@1 | R-precision | MAP@R |",
        "|---|---|---|---|",
        *(
            f"| {_escape_markdown(row['model'])} | {row['p_at_1']:.3f} | {row['r_precision']:.3f} | "
            f"{row['map_at_r']:.3f} |"
            for row in rows
        ),
        "",
        f"Change of MAP@R: {change['mean']:+.3f}, 95 % interval {change['low']:+.3f} to {change['high']:+.3f} over "
        f"{change['over']}. {_escape_markdown(story['why'])}",
    ]


def _describe_thresholds(story: Mapping[str, Any]) -> list[str]:
    return [_escape_markdown(story["thresholds"]["scope"])] if story["thresholds"] else []


def _escape_markdown(words: str) -> str:
    return " ".join(words.split()).translate(MARKDOWN_ESCAPES)
