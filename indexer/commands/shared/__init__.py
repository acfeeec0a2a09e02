"""The commands of libraries that several computers share.

`move` copies a library to a server, and back into a folder; `worker` embeds what `index --queue` has found. Every other
command takes the address of a shared library where it takes a library's folder.
"""
