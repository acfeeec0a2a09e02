"""Which photos lie together: the groups that the embeddings form by themselves, without a label.

    projected_photos   embeddings on their few leading directions, which the map starts from as well
    cluster_methods    k-means and HDBSCAN of such values; arithmetic that knows no library
    stored_arrays      files of arrays that a library can derive again, or does not have
    photo_clusters     the groups of a library's photos: computed, kept, named by their labels; read it last

Groups say what is alike, not what is the same: that says the room `matching`. They are kept beside the database under
the model whose embeddings they are of, and are made anew where photos have been added since.
"""
