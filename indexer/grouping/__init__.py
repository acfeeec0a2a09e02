"""Which photos an exam must not part: near copies, frames of a burst, and what a given column says.

    photo_groups       the groups of distinct photos: what is joined by any of the three ways is joined for good
    stored_groups      those of a library's photos, by its thumbnails and what it read of their files
    near_copies        pairs that show the same picture, by pixels: through `aligned_pictures`
    bursts             photos taken one after the other, by clock and by name
    group_column       the column of groups that a user gives

A training, an evaluation, the calibration of a library and its answers to *What is it?* all ask this room. Which photos
are twice, and may go, says the room `duplicates`.
"""
