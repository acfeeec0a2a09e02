"""The kinds of sources that a training can learn from, by their keys; known before anything that learns is loaded."""

FOLDER_SOURCE, LIBRARY_SOURCE, FILTER_SOURCE = "folder", "library", "shown"
SOURCE_KINDS = {
    FOLDER_SOURCE: "A folder whose sub-folders are classes",
    LIBRARY_SOURCE: "The labels of this library",
    FILTER_SOURCE: "The labels of the photos that pass the filter",
}
