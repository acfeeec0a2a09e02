"""What the server or the connection to it raises, as sentences for the user."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from indexer.errors import LibraryBusy, LibraryError
from indexer.wording import tr


@contextmanager
def translate_errors(place: str) -> Iterator[None]:
    """Raise what is raised about the library at `place` as LibraryError with a sentence."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise LibraryError(explain_read_only(place)) from error
    except psycopg.errors.LockNotAvailable as error:
        raise LibraryBusy("Others are writing to the library {place} for long; try again.", place=place) from error
    except (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout) as error:
        raise LibraryError(describe_loss(error, place)) from error
    except UnicodeEncodeError as error:
        raise LibraryError(
            "The library {place} holds Unicode text only, not {object!a}.", place=place, object=error.object
        ) from error
    except psycopg.Error as error:
        raise LibraryError(
            "The library {place} refused what was asked ({reason}).", place=place, reason=_shorten(error)
        ) from error


def explain_read_only(place: str) -> str:
    """A sentence for somebody who may only read the library at `place`."""
    return tr(
        "The library {place} may only be read by the user of this address: ask its owner to let you write.", place=place
    )


def describe_loss(error: Exception, place: str) -> str:
    """A sentence for a connection to the library at `place` that could not be made, or was lost."""
    text = _shorten(error)
    if "password" in text or "authentication" in text:
        return tr(
            "The server of the library {place} lets nobody in without a password: put it into ~/.pgpass ({text}).",
            place=place,
            text=text,
        )
    if "certificate" in text or "SSL" in text:
        return tr(
            "The server of the library {place} does not prove that it is the one: add sslrootcert=FILE with "
            "the certificate of its authority to the address ({text}).",
            place=place,
            text=text,
        )
    return tr(
        "The library {place} cannot be reached just now, nothing is lost: try again in a while ({text}).",
        place=place,
        text=text,
    )


def _shorten(error: Exception) -> str:
    """The first line of what was raised."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
