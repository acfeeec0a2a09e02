"""A library in a folder: its database is the file library.sqlite, which nobody else keeps or serves.

`schema` has the tables and their migrations, `connection` the one way to open, guard and commit them, `opening` how the
file is reached, also where its folder may not be written. All other SQL is the room's above, which knows no SQLite.
"""
