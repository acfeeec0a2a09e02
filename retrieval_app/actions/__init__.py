"""What can be done with photos that are chosen, one or many: the same on every page that shows photos.

`photo_actions` is the list of them as menu entries; read it first. `label_dialog` gives a label to many at once,
`label_edit` is its field, `labels` the questions that both ask the library. `photo_clipboard` makes what other programs
take from the clipboard or from a drag, `photo_drag` is the drag, `photo_copying` copies files into a folder,
and `leaving_out` leaves a photo's folder out of the library.

What is said about photos goes through the session's `change_history`, so that it can be undone by its name.
"""
