"""Which point of one picture is which of another: places that look alike and lie alike in both.

    picture_places    the model's features of a picture, place by place, in finer steps than its last feature map
    similarity_fit    pairs of places that choose each other, and the shift, turn and size most of them agree on
    matched_points    the two together for two pictures, turned and mirrored ones too, and drawn as lines

A network says how alike two places look, which many places do by chance; that they also lie alike, chance does not
bring about. So the number of points that agree says whether two pictures show the same thing, where a distance only
says that they show something similar.
"""
