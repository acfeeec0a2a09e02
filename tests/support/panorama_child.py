"""A picture pane in a process of its own, as its memory and the density of its screen are measured.

Arguments: a library, a panorama and a picture that EXIF turns. Prints one JSON object about what is seen of them.
"""

import json
import sys
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QPointF, QSize
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from retrieval_app.viewer.picture_pane import PicturePane
from retrieval_app.viewer.sharp_pictures import SharpPictures
from retrieval_app.widgets.theme import Theme
from retrieval_app.widgets.zoom_view import ZoomState
from tests.support.patience import Patience, read_other_cpu_ticks

BRIGHT = 128  # of 255


def main() -> None:
    library, panorama, turned = map(Path, sys.argv[1:])
    app = QApplication(sys.argv[:1])
    pictures = SharpPictures()
    pictures.readers.follow_library(library)
    pane = PicturePane(Theme(app, "dark"), "Photo", pictures)
    pane.resize(1200, 640)
    pane.show()
    pane.show_example(panorama, QSize(), None)
    wait_until_read(pane, pictures)
    facts: dict[str, object] = {"ratio": pane.devicePixelRatioF(), "fitted": measure_shown(pane)}
    pane.view.show_zoom_state(ZoomState(1.0, 0.9, 0.5))
    pane.view.zoom_to_pixels(QPointF(1000, 320))
    wait_until_read(pane, pictures)
    facts["enlarged"] = measure_shown(pane)
    facts["scale"] = pane.view.compute_scale()
    facts["stripes"] = count_stripes(pane)
    pane.view.show_zoom_state(ZoomState())
    pane.show_example(turned, QSize(), None)
    wait_until_read(pane, pictures)
    facts["turned"] = measure_shown(pane)
    shown = pane.view.grab().toImage()
    place = pane.view.find_picture_rect()
    top = shown.pixelColor(int(2 * place.center().x()), int(2 * place.top()) + 40)
    facts["top"] = [top.red(), top.green(), top.blue()]
    pictures.readers.close()
    facts["peak_mib"] = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps(facts))


def wait_until_read(pane: PicturePane, pictures: SharpPictures) -> None:
    """Let the pane read what it shows, and what it has been enlarged to."""
    patience = Patience(read_other_cpu_ticks)
    quiet = 0
    while quiet < 8:  # longer than the pause before a part is read
        assert not patience.is_exhausted()
        QTest.qWait(20)
        quiet = quiet + 1 if pane.is_settled and pictures.readers.is_idle() else 0


def measure_shown(pane: PicturePane) -> list[int]:
    """Width and height in px of what lies on top: the enlarged part, else all of the picture."""
    image = pane.view._parts[-1].image
    return [image.width(), image.height()]


def count_stripes(pane: PicturePane) -> int:
    """How many bright stripes lie side by side in the middle of what is seen."""
    image = pane.view.grab().toImage()
    row = [image.pixelColor(x, image.height() // 2).lightness() > BRIGHT for x in range(image.width())]
    return sum(bright and not before for before, bright in pairwise(row))


if __name__ == "__main__":
    main()
