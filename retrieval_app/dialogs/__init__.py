"""What the dialogs of several pages have in common. They know Qt and texts, and no session.

`questions` asks before something is done that cannot be taken back: its default answer changes nothing. `paged_dialog`
puts pages above a foot with a note and buttons, as for fine-tuning and for studies. `save_dialog` asks for a file to
write, in one of several formats.

What a dialog asks about, and what it does with the answer, its page says.
"""
