"""The map page: every photo a dot in a plane, so that photos which look alike lie together.

`map_state` is the map without widgets: it reads the layouts that the library has stored and has child processes
compute missing ones, first the principal components, then t-SNE. Read it first. `page` has the controls, `map_view`
shows one layout with zoom, pan and the photo under the pointer, and `dots` paints the dots into an image, fast enough
for a million of them.

Layouts are computed by `lookalike map` in indexer.reports.photo_map. Work starts only while the page is visible.
"""
