"""Who gets in to a shared library: a certificate is checked, a password is shown nowhere, readers read."""

import secrets
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from indexer.database.annotations import Annotations
from indexer.database.postgresql.address import parse_address
from indexer.database.postgresql.connection import PostgresqlDatabase
from indexer.database.shared_folder import open_database, write_address
from indexer.errors import LibraryError
from indexer.library import Library
from indexer.places import enter_shared_library
from indexer.search.query import Query
from tests.support.commands import Tell
from tests.support.postgresql_server import LoopbackServer, make_server, remove_server
from tests.support.tls_proxy import Certificate, serve_tls
from tests.support.vectors import clustered, fill

HOST = "db.example.org"


def make_certificate(folder: Path, host: str) -> Certificate:
    """A certificate for a host that has signed itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    made = Certificate(folder / f"{host}.crt", folder / f"{host}.key")
    made.file.write_bytes(built.sign(key, SHA256()).public_bytes(Encoding.PEM))
    made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    """A server with an account that needs a password."""
    made = make_server()
    rules = made.folder / "data" / "pg_hba.conf"
    rules.write_text(f"host all anna all scram-sha-256\n{rules.read_text()}")
    with connect(made) as db:
        db.execute("SELECT pg_reload_conf()")
    yield made
    remove_server(made)


def connect(server: LoopbackServer) -> "psycopg.Connection[tuple[object, ...]]":
    """A connection as the server's owner."""
    return psycopg.connect(server.name_library("x").partition("?")[0], autocommit=True)


def open_from_afar(folder: Path, port: int, *options: str) -> bool:
    """Open a library at a host that is this computer in truth; returns whether the connection is encrypted."""
    asked = "&".join(("library=afar", "hostaddr=127.0.0.1", *options))
    write_address(folder, parse_address(f"postgresql://tester@{HOST}:{port}/postgres?{asked}"))
    with closing(open_database(folder)) as database:
        assert isinstance(database, PostgresqlDatabase)
        return database._db.pgconn.ssl_in_use


def test_a_server_that_signed_itself_is_refused_in_a_sentence_that_says_what_to_do(
    tmp_path: Path, server: LoopbackServer
) -> None:
    own, other = (make_certificate(tmp_path, host) for host in (HOST, "elsewhere.example.org"))
    known, wrong = (f"sslrootcert={quote(str(made.file))}" for made in (own, other))
    with serve_tls(server.port, own) as port:
        for options in ((), (wrong,)):
            with pytest.raises(LibraryError, match="does not prove that it is the one: add sslrootcert=F") as refused:
                open_from_afar(tmp_path, port, *options)
            assert "\n" not in str(refused.value)
        assert open_from_afar(tmp_path, port, known)
    with serve_tls(server.port, other) as port, pytest.raises(LibraryError, match="does not prove that it is the one"):
        open_from_afar(tmp_path, port, wrong)  # whose certificate is known, and another's
    with pytest.raises(LibraryError, match="does not prove that it is the one"):
        open_from_afar(tmp_path, server.port, known)  # which has no encryption at all
    assert not open_from_afar(tmp_path, server.port, "sslmode=disable")  # by express word alone


def test_a_password_stands_in_no_output_setting_log_or_process_list(
    tmp_path: Path, server: LoopbackServer, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    password, home = secrets.token_hex(12), tmp_path / "home"
    with connect(server) as db:
        db.execute(f"CREATE ROLE anna LOGIN SUPERUSER PASSWORD '{password}'")
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:anna:{password}\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    uri = server.name_library("secret").replace("tester@", "anna@")
    monkeypatch.setenv("LOOKALIKE_HOME", str(home))
    fill(enter_shared_library(uri), clustered(3), publish=False)
    said = tell(home, "info", "--library", uri, "--json")
    assert said.result()["photos"] == 3
    passwords.write_text(f"*:*:*:anna:wrong{password}\n")
    refused = tell(home, "info", "--library", uri)
    assert refused.code == 2 and "put it into ~/.pgpass" in refused.err
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"anna" in kept  # what is looked through holds the address
    processes = b"".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.is_file())
    for text in (
        said.out,
        said.err,
        refused.out,
        refused.err,
        kept.decode(errors="replace"),
        processes.decode(errors="replace"),
    ):
        assert password not in text


def test_a_reader_searches_and_is_told_that_labelling_is_for_others(
    tmp_path: Path, server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "home"))
    uri = server.name_library("readers")
    fill(enter_shared_library(uri), clustered(8), publish=False)
    with connect(server) as db:
        db.execute("CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA readers TO reader")
        db.execute("GRANT SELECT ON ALL TABLES IN SCHEMA readers TO reader")
    with Library.open(enter_shared_library(uri.replace("tester@", "reader@"))) as library:
        assert len(library.search(Query((3,)), k=5).hits) == 5
        with pytest.raises(LibraryError, match="may only be read by the user of this address: ask its owner"):
            Annotations(library.store.database).set_label([3], "wolf")
        assert len(library.search(Query((4,)), k=5).hits) == 5
