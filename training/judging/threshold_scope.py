"""For what the thresholds of a training hold: kept as figures, worded where it is read."""

from typing import NamedTuple

from indexer.wording import tr

MIN_NEW_CLASSES = 5  # kept out of the training; fewer say little about others


class ThresholdScope(NamedTuple):
    """On how many pictures of how many classes thresholds were measured, whether the training did not know these, and
    whether pictures are among them that chose its best epoch.
    """

    photos: int
    classes: int
    new_classes: bool
    validation: bool

    def describe(self) -> str:
        """The scope in sentences."""
        flattered = tr("Some of these chose the best epoch, which flatters them a little.") if self.validation else ""
        figures = {"photos": self.photos, "classes": self.classes}
        if self.new_classes:
            measured = tr(
                "Thresholds were measured on {photos:,} pictures of {classes:,} classes that were not trained, and "
                "hold for new classes.",
                **figures,
            )
            return f"{measured} {flattered}".rstrip()
        measured = tr(
            "Thresholds were measured on {photos:,} pictures of {classes:,} classes, fewer than {least} of them new to "
            "the training: they hold for known classes only.",
            least=MIN_NEW_CLASSES,
            **figures,
        )
        advice = tr(
            "For others use the purpose classes with enough of them that at least {least} can be kept out.",
            least=MIN_NEW_CLASSES,
        )
        return " ".join(filter(None, (measured, flattered, advice)))
