"""The map page: every photo a dot in a plane, so that photos which look alike lie together.

`map_state` is the map without widgets: it reads the layouts that the library has stored and has child processes compute
missing ones, first the principal components, then t-SNE. Read it first. `page` has the controls, `map_view` shows one
layout with the photo under the pointer, of which `map_viewport` says what part is seen, and `dot_painting` paints the
dots into an image, fast enough for a million of them. While the map is zoomed, what was drawn (`drawn_map`) is scaled;
it is drawn anew, and names are placed, when the zoom rests.

`thumbnails` says which photos have room for a picture, `areas` which dots lie in a rectangle or a lasso, `dot_steps`
which dot an arrow key leads to, `photo_card` is the card beside a dot, `class_marks` what stands in the middle of a
class. What is selected is taken by the same actions as in the grid.

Layouts are computed by `lookalike map` in indexer.reports.photo_map, groups to colour by with `lookalike cluster`. Work
starts only while the page is visible.
"""
