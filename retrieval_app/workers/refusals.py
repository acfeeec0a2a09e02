"""How an error of a thread reaches the user: as a sentence where the engine raised it on purpose, else as a bug."""

from indexer.errors import LookalikeError


def extract_sentence(error: Exception) -> str:
    """The sentence for the user in an error of the engine. Any other exception is a bug, and is raised again here.

    Call it in the window's thread: what is raised there goes to the log and to the report dialog.
    """
    if not isinstance(error, LookalikeError):
        raise error
    return str(error)
