"""From words to embeddings that can be compared with those of pictures: the other half of a pair such as CLIP.

    text_card         what the text half of an installed model is, as data
    text_tokens       a text as the numbers that its network takes
    text_conversion   the network, built by open_clip from real weights, converted once; imports torch
    text_model        the converted half, loaded to embed texts without torch

`models.installation` puts the text half beside the network of the pictures, as it was published. Its converted form is
signed by this computer, as the pictures' is. A model that was taught here has none: its head has learned another space.
"""
