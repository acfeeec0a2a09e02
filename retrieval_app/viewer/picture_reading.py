"""Pixels of a picture for the screen, as a reader thread decodes them: all of it or a part, no larger than is seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image
from PySide6.QtCore import QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage

from indexer.errors import LookalikeError, PhotoError
from indexer.paths import show_file_name
from indexer.photos.decoding import DecodedPhoto
from indexer.search.examples import crop_picture, decode_for_crop, find_picture_file, read_content
from indexer.search.query import CropBox, CroppedExample, QueryExample, convert_to_fractions
from retrieval_app.session.tiles import to_qimage
from retrieval_app.widgets.zoom_view import WHOLE_AREA, PixelArea

if TYPE_CHECKING:
    from indexer.library import Library

PROBE_SIDE = 16  # px, of a picture whose size is to be found


class ReadPicture(NamedTuple):
    """A part of a picture, and the size of all of the upright picture in its own px."""

    part: PixelArea
    size: QSize


class _LoadedArea(NamedTuple):
    """The pixels of a part of a picture, and the size of all of it in its own px."""

    image: Image.Image
    size: QSize


def read_fitted_picture(library: Library, example: QueryExample, place: QSize) -> ReadPicture:
    """All of a picture, decoded no larger than it needs to fit into a place in px of the screen.

    Raises LookalikeError with the reason where it cannot be read.
    """
    fitted = _find_size(library, example).scaled(QSizeF(place), Qt.AspectRatioMode.KeepAspectRatio)
    return read_picture_area(library, example, WHOLE_AREA, fitted)


def read_picture_area(library: Library, example: QueryExample, area: QRectF, place: QSizeF) -> ReadPicture:
    """An area of a picture, in fractions of its sides, decoded no larger than it needs to fit into a place in px.

    Raises LookalikeError with the reason where it cannot be read.
    """
    decoded = load_part(library, example, area, math.ceil(max(1, min(place.width(), place.height()))))
    image, most = to_qimage(decoded.image), place.toSize().expandedTo(QSize(1, 1))
    if image.width() > most.width() or image.height() > most.height():
        image = image.scaled(most, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    return ReadPicture(PixelArea(image.convertToFormat(QImage.Format.Format_RGB32), area), decoded.size)


def load_part(library: Library, example: QueryExample, area: QRectF, short_side: int) -> _LoadedArea:
    """An upright area of a picture or of its cropped part, with a short side of `short_side` px if it has as many.

    Raises LookalikeError where it cannot be read, or where no whole pixel lies in the area.
    """
    whole = example if isinstance(example, CroppedExample) else CroppedExample(example, (0, 0, 1, 1))
    cropped = CroppedExample(whole.example, _compose_box(whole.box, area))
    decoded = _decode_picture(library, cropped, short_side)
    _, _, width, height = convert_to_fractions(whole.box, decoded.width, decoded.height)
    size = QSizeF(width * decoded.width, height * decoded.height).toSize()
    return _LoadedArea(crop_picture(decoded, cropped), size)


def _find_size(library: Library, example: QueryExample) -> QSizeF:
    """The size of a picture or of its cropped part in its own px; a file's is found by decoding it very small."""
    if isinstance(example, CroppedExample):
        whole = _find_size(library, example.example)
        _, _, width, height = convert_to_fractions(example.box, round(whole.width()), round(whole.height()))
        return QSizeF(width * whole.width(), height * whole.height())
    if isinstance(example, Image.Image):
        return QSizeF(*example.size)
    if isinstance(example, int) and (photos := library.load_photos([example])):
        return QSizeF(photos[0].width, photos[0].height)
    decoded = _decode_picture(library, CroppedExample(example, (0, 0, 1, 1)), PROBE_SIDE)
    return QSizeF(decoded.width, decoded.height)


def _decode_picture(library: Library, cropped: CroppedExample, short_side: int) -> DecodedPhoto:
    """The picture of an example, decoded so large that its cropped part has a short side of `short_side` px."""
    picture = cropped.example
    if isinstance(picture, Image.Image):
        return DecodedPhoto(picture, *picture.size)
    path = find_picture_file(picture, library.store)
    data = read_content(path)
    try:
        return decode_for_crop(data, cropped, short_side)
    except PhotoError as error:
        raise LookalikeError(f"{show_file_name(bytes(path))} {error}.") from error


def _compose_box(outer: CropBox, area: QRectF) -> CropBox:
    """The box of an area within a box; in the unit of that, fractions or px."""
    left, top, width, height = outer
    return left + area.x() * width, top + area.y() * height, area.width() * width, area.height() * height
