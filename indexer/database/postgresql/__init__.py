"""A library on a server, which several computers share: its tables are a schema of a PostgreSQL database.

`address` names the server, database and library, never a password. `tables` makes the tables, the same as those of a
library in a folder, `connection` is the one way to ask and change them, and comes back where the server was away;
`commits` is how it tells the others what it changed.
Needs the extra `team`; nothing here is imported before a shared library is opened.
"""
