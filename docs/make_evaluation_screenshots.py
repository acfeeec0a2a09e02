"""Make the screenshots of the page Evaluate and of a study: python docs/make_evaluation_screenshots.py

Works on a copy of the sample photographs in a temporary folder, with a data directory of its own.
"""

from make_screenshots import copy_photographs, index_labelled, open_window, save_variants, save_window, wait_until
from PySide6.QtTest import QTest

from retrieval_app.window.main_window import MainWindow

VIEWS = {"Mistakes": "evaluate", "Same or different": "evaluate-threshold"}


def main() -> None:
    """Save the views of the page in both themes and in a small window, and the dialog of a study."""
    with open_window() as (window, scratch):
        index_labelled(window, copy_photographs(scratch))
        window.page_stack.show_page("Evaluate")
        page = window.evaluation_page
        wait_until(lambda: page.evaluation.report is not None and page.evaluation.job.state is None)
        for view, name in VIEWS.items():
            page.show_view(view)
            save_variants(window, name)
        show_study(window)


def show_study(window: MainWindow) -> None:
    """Save the dialog of a study over the page."""
    study = window.evaluation_page.study
    study.open_dialog()
    wait_until(lambda: study.dialog is not None and study.dialog.isVisible())
    QTest.qWait(300)
    save_window(window, "study")


if __name__ == "__main__":
    main()
