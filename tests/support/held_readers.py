"""A thread that reads the library, held at a task for as long as a test looks at the window meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from retrieval_app.workers.readers import LibraryReaders


@contextmanager
def held(reader: LibraryReaders) -> Iterator[None]:
    """Keep a reader of one thread from answering anything until the end of the block."""
    begun, may_end = threading.Event(), threading.Event()

    def wait(_library: object) -> None:
        begun.set()
        may_end.wait()

    reader.ask_question("held", wait)
    begun.wait()
    try:
        yield
    finally:
        may_end.set()
