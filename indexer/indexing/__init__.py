"""From photo folders to committed embeddings, and the change of a library from one model to another.

`roots` says which folders a library may look at. `scan` walks one and compares the files with those the library knows;
`exclusions` says what it passes over, `redecoding` and `missing_facts` what a newer version has to read again.
`pipeline` reads, decodes and embeds files in threads, in order and with a bounded look-ahead. `run` puts these
together: it indexes a library, one batch of files as one transaction, and publishes search files at the end, when the
`tail` of embeddings outside them has become long. Read them in this order; the rest builds on `run`.

`watch` indexes again whenever a folder changes. `switching` gives a library another model, by embedding everything
beside the old embeddings. `repair` checks a library byte for byte and builds anew what can be derived.

This room computes no distances and ranks nothing (`search`), and opens no picture by itself (`photos`).
"""
