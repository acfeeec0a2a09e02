"""The labelling page: one photo without a label after the other, large, with what the model takes it for.

`label_queue` is the mode without widgets: which photo is next and what its label may be; read it first. `page` shows
it and takes the keys, `choice_panel` has the labels to choose from.

Least sure first: the next photo is the one whose nearest label is hardly nearer than the second (`order_by_doubt` in
indexer.matching.identification), as its label teaches the most. Labels are given as everywhere, by `actions.labels`,
so that Ctrl+Z takes them back.
"""
