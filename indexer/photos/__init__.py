"""The only door to photo files: from a path to its bytes, and from these to small upright sRGB pixels.

Every byte is foreign: a file may be a pipe, a bomb, half a picture or an attack. Whatever is wrong with it is one
PhotoError with a plain reason, and no photo is ever opened for writing.

Read `reading` first (which files are pictures, and their bytes), then `decoding` (bytes to pixels, with limits), and
for that `colour` and `camera_raw`. `tiff_pictures`, with `tiff_directory`, reads what Pillow gets wrong of TIFF, and
`mending` what it refuses although the pixels are whole. `journal` and `sandbox` survive decoders that crash or hang.
`thumbnails` is the cache of small pictures. `capture_facts` reads when, where and with what a photo was taken,
`photo_traits` what tells whether two photos are one scene. `class_folders` says which folders of a labelled folder are
classes, and `samples` writes pictures to try the program on.

Nothing here knows a library, a model or a database but the cache's own.
"""
