"""Networks that timm does not have, with the interface of timm's own: `forward_features`, `forward_head`, a config.

`course_network` is the branch that the lecture notes train from nothing, `joined_network` several networks as one, and
`pooled_network` one whose pooling is learned.
`models.backbones` knows them by name, beside timm's. Nothing here knows a file, a model or a library.
"""
