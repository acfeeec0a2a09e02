"""Photos that this version decodes otherwise than the one that indexed them: found by their content, embedded again.

A change that concerns all photos has another way: the decode version in every model's fingerprint. This is for kinds
that few photos are of, so that a large library is not embedded anew for them.
"""

from indexer.database.file_table import LibraryRoot
from indexer.database.store import Store
from indexer.errors import PhotoError
from indexer.paths import join_path
from indexer.photos.decoding import KINDS_VERSION, is_decoded_otherwise
from indexer.photos.reading import read_photo
from indexer.progress import Progress, Steps
from indexer.wording import tr

KINDS_SETTING = "decoded kinds"  # root id as text -> the KINDS_VERSION by which all its files have been decoded

# The kinds of which some are decoded otherwise; JPEGs and camera RAW files are not read for it.
_CONCERNED_SUFFIXES = (
    *(b".tif", b".tiff", b".png", b".apng", b".gif", b".webp", b".avif", b".heic", b".heif", b".hif"),
    *(b".pgm", b".ppm", b".pnm"),
)


def forget_outdated_decodings(store: Store, root: LibraryRoot) -> Steps[None]:
    """Drop the embeddings of a root's photos that are decoded otherwise now, and all its failures.

    Once for each root: all or nothing, so that a run that was cut short is done again. Only what a decoder has got
    through before is decoded for it, here without the journal.
    """
    setting = store.models.read_setting(KINDS_SETTING)
    versions = setting if isinstance(setting, dict) else {}
    if versions.get(str(root.id)) == KINDS_VERSION:
        return
    embedded = store.files.list_embedded_files(root.id)
    candidates = [path for path in embedded if path.lower().endswith(_CONCERNED_SUFFIXES)]
    outdated, read = [], 0
    for number, path in enumerate(candidates):
        if number % 50 == 0:
            yield Progress("scan", number, len(candidates), tr("looking for pictures that are read otherwise now"))
        try:
            data = read_photo(join_path(root.path, path))
        except PhotoError:
            continue
        read += 1
        if is_decoded_otherwise(data):
            outdated.append(path)
    if candidates and not read:  # the drive is not there
        return
    with store.database.transaction():
        store.embeddings.drop_decodings(root.id, outdated)
        store.models.set_setting(KINDS_SETTING, versions | {str(root.id): KINDS_VERSION})
