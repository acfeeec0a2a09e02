"""Which photos belong together: what label a picture has, and what is in a library more than once.

    identity           is this picture of a label, or of which; thresholds and error rates measured in the library
    gallery            the labelled photos that `identity` compares with: the nearest of them, and their vote
    duplicates         groups of exact copies, near copies and look-alikes
    perceptual_hash    64 bits per picture, and all pairs of nearly equal ones
    close_pairs        all pairs of embeddings within a distance
    complete_linkage   from pairs to groups in which everything is alike

`identity` with `gallery` and `duplicates` with the other three are two halves that do not know each other. A search
(room `search`, in other orders room `ranking`) sorts photos by how alike they are and leaves the judgement to the
reader; this room judges, and answers with labels or groups instead of hits. It trains nothing and deletes nothing.
"""
