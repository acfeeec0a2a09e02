"""Where the program keeps its own things: the settings file, libraries and trainings, and prepared models.

The settings always lie in the settings folder, so that they are found first (`settings_file`). They may name other
folders for all else (`folders`); LOOKALIKE_HOME names the folder of both, and then no other home counts.
"""
