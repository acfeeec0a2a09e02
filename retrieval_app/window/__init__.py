"""The window around the pages: menus, toolbar, status line, and what comes in from outside and goes out.

`main_window` builds the pages, menus and toolbar and connects them; read it first. `page_stack` shows one page at a
time. `trouble_banner` tells what is wrong. `opening` asks for folders and pictures,
`drop_area` takes what is dropped and says before what will happen, `drop_and_paste` reads what is dropped or pasted,
`exporting` writes what is shown into a file. `viewing` puts the viewer in the place of the pages. `dialogs` are the
small ones: failures, keys, about, the report of a bug. `library_actions` makes, renames and deletes libraries, with
`library_dialogs`, and `known_libraries` remembers them.

The window knows every page, and no page knows it: pages emit signals for what they want of it. It holds no state of the
library (that is the session's), and decides nothing about a search.
"""
