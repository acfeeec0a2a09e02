"""What helps the user: the guide, the tour of the first start, the keys, and the box about the program.

`help_menu` is the menu Help. `guide_pages` finds the pages of docs/guide, which the documentation site shows too, and
searches them; `guide_window` shows them. `first_tour` has three steps. What a figure means stands in
widgets/figure_help, where every page can take it.
"""
