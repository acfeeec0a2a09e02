"""Labels in and out, in the forms that other programs read and write.

Out: XMP sidecars, as photo managers keep their keywords (`xmp_sidecars`), and whole labelled sets, as a folder of
classes, COCO or FiftyOne (`label_export`). In: sidecars that lie beside the photos, tables of path and label
(`label_import`), and single pictures from outside with their label (`enrolment`). Embeddings go to TensorBoard
(`projector_export`); tables and arrays of them, for no program in particular, are of the room `reports`. All goes
through a Library; the files of the photos themselves are never touched.
"""
