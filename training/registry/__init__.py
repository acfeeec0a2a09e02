"""The models that a user has, whatever they came from, and the trainings that were cut off.

`kept_models.py` lists them: the models of a library, finished trainings that it does not use yet, and what is prepared
on this computer, each with what it was trained on and what its verdict says in plain words. `stopped_trainings.py`
lists what can go on. `model_changes.py` renames, exports and deletes. Read `kept_models.py` first.

Nothing here imports torch: a card, a record and the head of a file tell all of it.
"""
