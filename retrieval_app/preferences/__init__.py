"""The user's settings: what can be chosen, how it takes effect, and the dialog that shows it.

`choices` names every setting with its default and its place in the settings file; docs/guide/settings.md documents the
same table. `effects` lets a setting act on the window, the open library and the child processes. `folder_choice` is
about where libraries and models are kept. `dialog` shows them all, with what belongs to the open library and where
everything lies.
"""
