"""A library's embeddings for TensorBoard's projector: points, what they are of, and a sprite of small pictures.

The files are those that its plugin reads from a log folder (tensorflow.org/tensorboard/tensorboard_projector_plugin):
`projector_config.pbtxt` names the others.
"""

import io
import math
from pathlib import Path

import numpy as np
from PIL import Image

from indexer import atomic
from indexer.database.filters import Filter
from indexer.errors import LookalikeError, PhotoError
from indexer.library import Library
from indexer.paths import show_path
from indexer.photos.decoding import decode_photo
from indexer.progress import Progress, Steps
from indexer.reports.export import copy_embeddings
from indexer.reports.picture_file import BACKGROUND_COLOUR
from indexer.search.results import Photo
from indexer.wording import tr

MOST_POINTS = 100_000  # a browser draws no more
SPRITE_SIDE = 8192  # pixels: the largest texture that browsers take
PICTURE_SIDE = 64  # pixels of a photo in the sprite, where they are few enough
PHOTOS_PER_BLOCK = 500
CONFIG_TEMPLATE = """embeddings {{
  tensor_name: "lookalike"
  tensor_path: "vectors.bytes"
  tensor_shape: {count}
  tensor_shape: {dim}
  metadata_path: "metadata.tsv"
  sprite {{
    image_path: "sprite.png"
    single_image_dim: {side}
    single_image_dim: {side}
  }}
}}
"""


def export_projector(out: Path, library: Library, within: Filter | None = None) -> Steps[int]:
    """Write the folder `out` for TensorBoard from the shown photos that pass a filter; returns their number.

    Raises LookalikeError where `out` is there, photos are none or too many, or the library changes meanwhile.
    """
    photo_ids = library.find_photo_ids(within)
    if out.exists():
        raise LookalikeError("{out} is there already. Choose another place.", out=show_path(out))
    if not 0 < len(photo_ids) <= MOST_POINTS:
        raise LookalikeError(
            "The projector shows 1 to {limit:,} photos, not {count:,}. Filter them.",
            limit=MOST_POINTS,
            count=len(photo_ids),
        )
    ids, blocks = list[np.ndarray](), list[np.ndarray]()

    def keep_block(block_ids: np.ndarray, values: np.ndarray) -> None:
        ids.append(block_ids)
        blocks.append(values)

    yield from copy_embeddings(library, photo_ids, keep_block)
    vectors = np.concatenate(blocks)
    ordered = np.concatenate(ids).tolist()
    temporary = atomic.create_sole_temporary_folder(out)
    try:
        (temporary / "vectors.bytes").write_bytes(vectors.tobytes())
        side = yield from _write_pictures(temporary, library, ordered)
        config = CONFIG_TEMPLATE.format(count=len(vectors), dim=vectors.shape[1], side=side)
        (temporary / "projector_config.pbtxt").write_text(config, encoding="ascii")
        atomic.publish_folder(temporary, out)
    finally:
        atomic.remove_path(temporary)
    return len(ordered)


def _write_pictures(folder: Path, library: Library, ids: list[int]) -> Steps[int]:
    """Write the sprite and the lines of metadata in the order of the ids; the side in pixels of a photo in it."""
    columns = math.ceil(math.sqrt(len(ids)))
    side = min(PICTURE_SIDE, SPRITE_SIDE // columns)
    sprite = Image.new("RGB", (columns * side, columns * side), BACKGROUND_COLOUR)
    lines = ["label\tpath\tid"]
    for start in range(0, len(ids), PHOTOS_PER_BLOCK):
        yield Progress("export", start, len(ids), tr("reading small pictures"))
        photos = {photo.id: photo for photo in library.load_photos(ids[start : start + PHOTOS_PER_BLOCK])}
        for number, photo_id in enumerate(ids[start : start + PHOTOS_PER_BLOCK], start):
            if photo_id not in photos:
                raise LookalikeError("The library changed while it was written. Try again.")
            lines.append(_describe_point(photos[photo_id]))
            row, column = divmod(number, columns)
            _paste_picture(sprite, (column * side, row * side), side, library.read_thumbnail(photos[photo_id]))
    file = io.BytesIO()
    sprite.save(file, "PNG")
    (folder / "sprite.png").write_bytes(file.getvalue())
    (folder / "metadata.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8", errors="backslashreplace")
    return side


def _describe_point(photo: Photo) -> str:
    """The photo's line: its label, with spaces for what would end the field or the line, its path, its id."""
    label = " ".join((photo.label or "").split())
    return f"{label}\t{show_path(photo.path)}\t{photo.id}"


def _paste_picture(sprite: Image.Image, corner: tuple[int, int], side: int, jpeg: bytes | None) -> None:
    """Put a small picture, whole, in the middle of its square; nothing where there is none."""
    if jpeg is None:
        return
    try:
        picture = decode_photo(jpeg, side).image
    except PhotoError:
        return
    picture.thumbnail((side, side))
    sprite.paste(picture, (corner[0] + (side - picture.width) // 2, corner[1] + (side - picture.height) // 2))
