"""The grid of photos: any number of them as tiles that can be looked through, selected and pointed at.

`photo_grid` is the view, with what mouse and keys do in it; read it first. `tile_view` is the scrolling ground below it
and paints what is visible of a `tile_layout`, which says where every tile lies, as `tile_parts` does within one.
`grid_model` has the photos of a listing by their place, and `rubber_band` selects all within a rectangle.
`section_headers` stand over groups, and the `time_line` beside the scroll bar leads to years, letters or groups.
`photo_sequence` is the same photos one after the other, for the viewer.

The grid knows listings, tiles and the selection of the session, and emits what the user wants of a photo; pages act on
it.
"""
