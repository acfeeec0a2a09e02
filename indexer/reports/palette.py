"""The colours of classes, one list for the window's map and for the charts of reports."""

import colorsys

# Okabe, Ito 2008, "Color Universal Design": told apart with every kind of colour vision. Its black is left out, which
# no dark window shows, and its yellow is darkened, which no white page shows.
CLASS_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a7500")
GOLDEN_ANGLE = 137.508  # degrees between the hues of further classes: far apart whatever their number


def pick_class_colour(number: int) -> str:
    """The colour of a class by its number from 0, as "#rrggbb": the palette's, beyond it a hue of its own."""
    if number < len(CLASS_COLOURS):
        return CLASS_COLOURS[number]
    channels = colorsys.hls_to_rgb(number * GOLDEN_ANGLE % 360 / 360, 0.45, 0.55)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)
