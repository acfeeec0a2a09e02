"""What each figure of the window means, in one or two sentences: the texts behind *Help > What is this?*.

docs/guide/alike.md says the same at length.
"""

from PySide6.QtWidgets import QWidget

from indexer.wording import tr

FIGURE_TEXTS = {
    "tile": (
        tr(
            "Under each result stands how alike it is to the query, as a word and as the length of a "
            "band. With labels: same, likely, perhaps or different, by how often pairs this close "
            "have the same label. Without: very close, close, loose or no closer than chance, by how "
            "seldom two photos drawn at random are this close."
        )
    ),
    "details": (
        tr(
            "The distance goes from 0, the same content, to 2, and is exact. The sentence beside it "
            "says how often a pair this close has the same label, or how rare it is among random "
            "pairs."
        )
    ),
    "heat": (tr("Light where the photo has what the query has: the parts that bring the two together for the model.")),
    "cut": (
        tr(
            "The list ends here: at a distance, at a word of the scale, or at the rate at which pairs of different "
            "labels would still be taken for the same."
        )
    ),
    "library": (
        tr(
            "How many photos the open library shows. Recall is the share of the true nearest photos that the fast "
            "search finds, measured on this library. Last stands the model that it sees with."
        )
    ),
    "identity": (
        tr(
            "The label that the nearest labelled photos vote for. Unknown where none is near enough: "
            "then no label is better than a wrong one."
        )
    ),
    "pair": (
        tr(
            "The verdict on the two pictures. How sure? unfolds the threshold and how often it is "
            "wrong: about pairs that differ, and about pairs that belong together."
        )
    ),
    "plot": (
        tr(
            "How often each distance occurs: among pairs of the same label, and among pairs of different ones. The "
            "mark is the pair that is compared. Where the two hills overlap nobody can be sure."
        )
    ),
    "facts": (
        tr(
            "What the library holds, which model it sees with, on what the words of likeness were "
            "measured, and how its search files were built and tested."
        )
    ),
    "map": (
        tr(
            "Photos that lie together look alike to the model. The axes mean nothing, and in a map "
            "of neighbourhoods far distances do not either."
        )
    ),
    "groups": (
        tr(
            "What the colours and names stand for: labels, folders, dates, or groups that were found by likeness "
            "alone. A group is named by the label of most of its photos; one without is shown by the photo in its "
            "middle."
        )
    ),
    "suggestion": (
        tr(
            "What the nearest labelled photos say of this one, the likeliest first, each with a word of the common "
            "scale. The photos come first of which this is least sure: their labels teach the most."
        )
    ),
    "duplicates": (
        tr(
            "Copies have the same content. Near copies show the same picture in another size, crop, "
            "colour or format. Look-alikes are near for the model and may well be different pictures."
        )
    ),
    "loss": (tr("What the training makes small, step by step. It may rise again: what counts is the validation.")),
    "validation": (
        tr(
            "How well photos that this training does not learn from find their like, after each "
            "epoch. The best epoch is kept."
        )
    ),
    "verdict": (
        tr(
            "For how many photos that the training had never seen the nearest was right, before and "
            "now. Whether that may be luck is said with it."
        )
    ),
    "mistakes": (
        tr(
            "A row for each label: which label the nearest photo has. Along the diagonal its own, "
            "elsewhere another. A click shows the photos."
        )
    ),
    "threshold": (
        tr(
            "Pairs nearer than the threshold count as the same. Moved to the right, fewer pairs of one label are "
            "missed, and more different ones are taken for the same."
        )
    ),
    "model": (tr("What the model learnt from, and what that was worth on photos which it had not seen.")),
}


def explain_figure(widget: QWidget, name: str) -> None:
    """Let *What is this?* on a widget show the text of a figure of FIGURE_TEXTS."""
    widget.setWhatsThis(f"<p>{FIGURE_TEXTS[name]}</p>")
