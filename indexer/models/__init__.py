"""From pictures to embeddings: what a model is, how it comes into a library, and how it runs.

    card           what a model is, as data: the fields of `model.json`, their fingerprint, the preprocessing
    framing        which square of a picture a model sees: its centre, or all of it with a border
    embedder       the interface that indexing and searching know: pictures in, unit-length embeddings out
    model          an installed model, loaded to run on OpenVINO or on torch
    catalogue      the models with a short name: source, licence, size, what each is good for
    class_layer    the classes that the built-in network knows, read from its packaged weights
    prepared       models that are ready on this computer, to be copied into libraries
    installation   from a name, a weights file or a checkpoint to a verified model folder
    agreement      the check of the converted form against torch, a step of the installation
    runtime        the converted form and its `runtime.json`; the only door to OpenVINO
    network        the torch form, for training, conversion and accelerators
    backbones      timm's networks with real weights; the only door to timm
    weight_files   weights as people have them: whoever saved and named them, brought to timm's naming or refused
    hub            where published weights lie, and their download

Read `card`, `embedder` and `model` first; the rest is needed only where a model is made. Importing any module but
`network`, `backbones` and `weight_files` imports no torch. Nothing here knows a database, an index or a search.
"""
