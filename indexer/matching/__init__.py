"""What label a picture has, and which pictures are alike in pairs.

    identity             is this picture of a label; thresholds and error rates measured in the library
    identification       which label a picture has, or unknown, and how sure that is
    identification_rule  from when on a picture is known; measured on labelled photos, with error rates
    label_model          the labels' means under a map that they teach, which judge, and their exam out of fold
    gallery              the labelled photos that both compare with: the nearest of them, and their vote
    perceptual_hash      64 bits per picture, and all pairs of nearly equal ones
    carried_annotations  labels, decisions and saved searches, for the content that a changed file has now
    close_pairs          all pairs of embeddings within a distance
    complete_linkage     from pairs to groups in which everything is alike

`identity` and `identification` with `label_model` and `gallery` are one half, the rest the other; they do not know each
other. Which photos an exam must not part says the room `grouping`, what is in a library twice the room `duplicates`. A
search (room `search`, in other orders room `ranking`) sorts photos by how alike they are and leaves the judgement to
the reader; this room judges, and answers with labels instead of hits. It trains nothing and deletes nothing.
"""
