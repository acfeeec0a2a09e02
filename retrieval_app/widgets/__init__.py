"""Widgets and painting that several pages share. They know Qt, photos and hits, and no session.

`theme` comes first: the colours of light and dark, the style sheet, fonts and icons. `controls`, `menus`, `tables`,
`flow_layout`, `chip_row` and `invitation` are the parts that pages are put together from. `distance_band` says what a
distance means, in a word, a length and a colour; `tile_painter` paints a photo with its caption. `picture` shows one
picture in a panel, `crop_view` lets a part of it be chosen, `zoom_view` enlarges it.

A widget here is told what to show and emits what the user does. It reads no photo file, asks no library and starts no
thread: its pixmaps and images are handed in.
"""
