"""Where a shared library lies: postgresql://USER@HOST/DATABASE?library=NAME.

A password is never part of it: libpq finds it in a password file or a service file. Connections to another computer are
encrypted and its certificate is checked, unless the address says otherwise.
"""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from indexer.errors import LookalikeError
from indexer.wording import tr

URI_SCHEMES = ("postgresql", "postgres")
OWN_HOSTS = ("", "localhost", "127.0.0.1", "::1")
_LIBRARY_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,47}")
_TEACH = tr("Write postgresql://USER@HOST/DATABASE?library=NAME.")


class ServerAddress(NamedTuple):
    """A library's name, the host of its server for people to read, and the address for libpq without the name."""

    library: str
    host: str
    uri: str

    @property
    def place(self) -> str:
        """The library and its host, as people read them."""
        return f"{self.library} on {self.host or 'this computer'}"

    @property
    def full_uri(self) -> str:
        """The address with the library's name, as `parse_address` takes it."""
        return f"{self.uri}{'&' if urlsplit(self.uri).query else '?'}{urlencode({'library': self.library})}"


def is_address(text: str) -> bool:
    """Whether a text is meant as the address of a server."""
    return text.partition("://")[0] in URI_SCHEMES and "://" in text


def parse_address(text: str) -> ServerAddress:
    """The address in a text. Raises LookalikeError where it is none, or holds a password."""
    try:
        parts = urlsplit(text)
        host, options = parts.hostname or "", parse_qsl(parts.query, strict_parsing=True, keep_blank_values=True)
        has_password = parts.password is not None or any(name == "password" for name, _ in options)
    except ValueError as error:
        raise LookalikeError("The address of the shared library is none. {hint}", hint=_TEACH) from error
    if parts.scheme not in URI_SCHEMES:
        raise LookalikeError("{scheme!r} is no kind of server that is known. {hint}", scheme=parts.scheme, hint=_TEACH)
    if has_password:
        raise LookalikeError(
            "A password does not belong in the address, where others can read it. Put it into the password file of "
            "PostgreSQL (~/.pgpass), or name a service: postgresql://?service=NAME&library=NAME."
        )
    names = [value for name, value in options if name == "library"]
    if len(names) != 1 or not _LIBRARY_NAME.fullmatch(names[0]):
        raise LookalikeError("The address names no library: letters, digits, _ and - only. {hint}", hint=_TEACH)
    rest = urlencode([(name, value) for name, value in options if name != "library"])
    return ServerAddress(names[0], host, urlunsplit(parts._replace(query=rest)))


def list_connection_options(address: ServerAddress) -> dict[str, str]:
    """What libpq is told beside the address: to check the server's certificate, unless the address says what to do."""
    said = dict(parse_qsl(urlsplit(address.uri).query))
    if address.host in OWN_HOSTS or "sslmode" in said or "service" in said:
        return {}
    own_authorities = Path.home() / ".postgresql" / "root.crt"
    is_named = "sslrootcert" in said or own_authorities.exists()
    return {"sslmode": "verify-full"} | ({} if is_named else {"sslrootcert": "system"})
