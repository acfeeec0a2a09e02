"""Other orders for the hits of a search, and searches kept by name.

    rankings            SearchRequest, and RANKINGS: its orders by name ("nearest", "refined", "points", ...)
    query_expansion     "refined": the nearest photos, reordered by what they have in common with their own neighbours
    point_ranking       "points": first what shares points with the query, the very same thing
    changed_copies      "copies": first the photo that a picture was cut, turned, framed or recoloured from
    label_ranking       "labels": by distances under the class metric that the library's labels teach
    cross_correlation   how well one picture lies on another, for "copies"
    saved_searches      a SearchRequest as plain JSON and back
    known_words         the words that a photo can be searched by, and the classes they mean
    word_ranking        photos ranked by words, alone or with pictures
    photo_arrangement   the whole library sorted and grouped, without a query
    filter_wording      the conditions of a filter in words

Read `rankings` first. The three rooms with a similar name differ in what they answer. `search` finds the photos nearest
to a query and gives their distances. This room asks the same question through `Library.search` and answers with the
same SearchResult, but looks at the nearest photos once more and orders them by more than their distance. `matching`
decides: which label a picture has, which photos are copies of each other. Nothing here says where a match ends.
"""
