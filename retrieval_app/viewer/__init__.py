"""One photo large in the window, with those before and after it, alone or beside the picture it is compared with.

`photo_viewer` puts it together, with keys (`viewer_keys`), bar (`viewer_bar`) and `slide_show`; read it first. It goes
through a `PhotoSequence` of retrieval_app.grid and knows no page. `picture_stage` is what it shows: the photo, the
partner in step with it, the facts (`facts_panel`) and the verdict on the two (`comparison_strip`),
with lines between the points they have in common (`point_lines`).
`crop_stage` lets a part be chosen in the place of all that. `passing_notice` tells something in a full screen.

A `picture_pane` shows one picture: at once its thumbnail, then what `sharp_pictures` have read by `picture_reading`, no
larger than the screen shows it, and only the part that is seen where it is enlarged. `comparison` asks the library
about two pictures. The verdict and its error rates come from indexer.statistics, the heat maps from indexer.reports.
"""
