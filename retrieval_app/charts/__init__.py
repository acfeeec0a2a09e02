"""Charts that several pages share: they know the theme and the numbers that they are given, and nothing else.

`line_chart` draws curves with pyqtgraph, whose only door it is: it is imported when a chart is about to be shown.
`distance_histogram` paints the distances of labelled pairs by hand, which needs no pan, zoom or legend; pages draw
their own lines over it; `pair_distance_plot` marks where one pair stands in it.
"""
