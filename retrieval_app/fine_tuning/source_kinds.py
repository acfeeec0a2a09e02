"""The kinds of sources that a training can learn from, by their keys; known before anything that learns is loaded."""

from indexer.wording import tr

FOLDER_SOURCE, LIBRARY_SOURCE, FILTER_SOURCE = "folder", "library", "shown"
SOURCE_KINDS = {
    FOLDER_SOURCE: tr("A folder whose sub-folders are classes"),
    LIBRARY_SOURCE: tr("The labels of this library"),
    FILTER_SOURCE: tr("The labels of the photos that pass the filter"),
}
