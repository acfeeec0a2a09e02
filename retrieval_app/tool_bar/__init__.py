"""The bar at the head of the window: the library, the pages, and what is often wanted.

`main_tool_bar` is the bar. It has the menu of libraries, the tabs of the pages, steps in the history, the size of the
pictures and the switch of the details.

In a narrow window it leaves out, one after the other, what the menus have too; nothing on it is ever cut.
"""
