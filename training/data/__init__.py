"""From labelled pictures to batches: what a training learns from, chooses by and is judged by.

`sources.py` says where pictures come from (a folder or a library's labels) and where the checkpoint goes;
`labelled_folders.py` reads a folder whose sub-folders are classes; `split.py` divides the photos into three parts that
are a function of their content and part no group (`groups.py`: near copies, frames of a burst), and `given_parts.py`
takes those that a folder gives itself; `summary.py` tells the user what was found. `pictures.py` holds the decoded
pixels of a part, `augmentation.py` makes random views of them, `sampler.py` puts P classes x K photos into each batch,
and `class_tree.py` brings classes together that the network still confuses. Read in that order.

Nothing here knows a network or a loss; only the views need torch.
"""
