"""The window as a process of its own on a real display, for what two programs do together.

python -m tests.support.window_process
"""

import json
import sys

from PySide6.QtCore import QTimer

from retrieval_app.app import build_application

LOOK_MS = 50


def main() -> None:
    """Show the window, say where its photo 3 lies on the screen, then what the frame says and what is searched for."""
    app, window = build_application(["lookalike"])
    window.setGeometry(0, 0, 1280, 800)
    window.show()
    said: list[str] = []

    def say_once(**facts: object) -> None:
        line = json.dumps(facts)
        if line not in said:
            said.append(line)
            print(line, flush=True)

    def look() -> None:
        grid, frame, query = window.search_page.results.grid, window.drop_area.frame, window.session.search.query
        if len(window.session.search.listing.ids) and window.tiles.is_idle() and query is None and not said:
            spot = grid.viewport().mapToGlobal(grid.locate_place(3).center())
            photo = grid.grid_model.photo_at(3)
            if photo is not None:
                say_once(ready=True, x=spot.x(), y=spot.y(), file=photo.path.decode())
        if frame.isVisible():
            say_once(frame=frame.sentence_label.text())
        if query is not None:
            say_once(query=[str(example) for example in query.positives])

    timer = QTimer(interval=LOOK_MS)
    timer.timeout.connect(look)
    timer.start()
    sys.exit(app.exec())


if __name__ == "__main__":
    main()
