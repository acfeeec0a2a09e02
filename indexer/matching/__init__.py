"""Which photos belong together: what label a picture has, and which pictures show the same.

    identity             is this picture of a label; thresholds and error rates measured in the library
    identification       which label a picture has, or unknown, and how sure that is
    identification_rule  from when on a picture is known; measured on labelled photos, with error rates
    label_model          the labels' means under a map that they teach, which judge, and their exam out of fold
    gallery              the labelled photos that both compare with: the nearest of them, and their vote
    perceptual_hash      64 bits per picture, and all pairs of nearly equal ones
    photo_groups         photos that an exam must not part: near copies, frames of a burst, what a given column says
    near_copies          pairs that show the same picture, by pixels: through `aligned_pictures`
    carried_annotations  labels, decisions and saved searches, for the content that a changed file has now
    bursts               photos taken one after the other, by clock and by name
    group_column         the column of groups that a user gives
    close_pairs          all pairs of embeddings within a distance
    complete_linkage     from pairs to groups in which everything is alike

`identity` and `identification` with `label_model` and `gallery` are one half, `photo_groups` with the rest the other;
they do not know each other. What is in a library twice says the room `duplicates`. A search (room `search`, in other
orders room `ranking`) sorts photos by how alike they are and leaves the judgement to the reader; this room judges, and
answers with labels or groups instead of hits. It trains nothing and deletes nothing.
"""
