"""Make the screenshots of the page Evaluate and of a study: python docs/make_evaluation_screenshots.py

Works on a copy of the sample photographs in a temporary folder, with a data directory of its own.
"""

import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from make_screenshots import SCREENSHOTS, save_variants, save_window, wait_until
from PySide6.QtTest import QTest

from indexer.photos.samples import find_photograph_folder
from retrieval_app.app import build_application
from retrieval_app.window.main_window import MainWindow

VIEWS = {"Mistakes": "evaluate", "Same or different": "evaluate-threshold"}


def main() -> None:
    """Save the views of the page in both themes and in a small window, and the dialog of a study."""
    SCREENSHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lookalike-") as scratch:
        os.environ["LOOKALIKE_HOME"] = str(Path(scratch) / "data")
        pictures = Path(scratch) / "Pictures"
        shutil.copytree(find_photograph_folder(), pictures)
        _, window = build_application(["lookalike"])
        window.theme.choose_theme("light")
        window.resize(1280, 800)
        window.show()
        window.session.job.index_folders([pictures], labelled=True)
        wait_until(lambda: window.session.job.state is None and not window.session.library.is_empty)
        window.page_stack.show_page("Evaluate")
        page = window.evaluation_page
        wait_until(lambda: page.evaluation.report is not None and page.evaluation.job.state is None)
        for view, name in VIEWS.items():
            page.show_view(view)
            save_variants(window, name)
        show_study(window)
        window.close()


def show_study(window: MainWindow) -> None:
    """Save the dialog of a study over the page."""
    study = window.evaluation_page.study
    study.open_dialog()
    wait_until(lambda: study.dialog is not None and study.dialog.isVisible())
    QTest.qWait(300)
    save_window(window, "study")


if __name__ == "__main__":
    main()
