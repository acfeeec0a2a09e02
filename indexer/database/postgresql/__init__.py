"""A library on a server, which several computers share: its tables are a schema of a PostgreSQL database.

`address` names the server, database and library, never a password. `tables` makes the tables, the same as those of a
library in a folder, `connection` is the one way to ask and change them, and comes back where the server was away;
`write_transaction` sends what belongs together at once, and tells the others what was changed. `moving` copies a
library from a folder to a server and back; `leases` are what workers have to do.
Needs the extra `team`; nothing here is imported before a shared library is opened.
"""
