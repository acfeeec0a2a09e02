"""Pixels of a picture for the screen, as a reader thread decodes them: all of it or a part, no larger than is seen.

A JPEG that is too large to be decoded whole is read in part where its own pixels are wanted: by Qt, whose reader throws
away the lines above and the columns beside.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image
from PySide6.QtCore import QBuffer, QByteArray, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColorSpace, QImage, QImageIOHandler, QImageReader, QPixelFormat

from indexer.errors import LookalikeError, PhotoError
from indexer.paths import show_file_name
from indexer.photos.decoding import MAX_RESULT_PIXELS, DecodedPhoto
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


class _FileContent(NamedTuple):
    """A file's path, and all that is in it; both empty for a picture in memory."""

    path: bytes
    data: bytes


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
    content = _read_file(library, cropped.example)
    decoded = _decode_picture(content, cropped, short_side)
    _, _, width, height = convert_to_fractions(whole.box, decoded.width, decoded.height)
    size = QSizeF(width * decoded.width, height * decoded.height).toSize()
    part, box = crop_picture(decoded, cropped), convert_to_fractions(cropped.box, decoded.width, decoded.height)
    own_side = min(box[2] * decoded.width, box[3] * decoded.height)
    if min(part.size) + 1 < min(short_side, own_side):
        part = _read_jpeg_part(content.data, box) or part
    return _LoadedArea(part, size)


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
    decoded = _decode_picture(_read_file(library, example), CroppedExample(example, (0, 0, 1, 1)), PROBE_SIDE)
    return QSizeF(decoded.width, decoded.height)


def _read_file(library: Library, picture: QueryExample) -> _FileContent:
    """The content of the file of a picture; of one in memory there is none."""
    if isinstance(picture, Image.Image):
        return _FileContent(b"", b"")
    assert not isinstance(picture, CroppedExample)
    path = find_picture_file(picture, library.store)
    return _FileContent(bytes(path), read_content(path))


def _decode_picture(content: _FileContent, cropped: CroppedExample, short_side: int) -> DecodedPhoto:
    """The picture of an example, decoded so large that its cropped part has a short side of `short_side` px."""
    if isinstance(cropped.example, Image.Image):
        return DecodedPhoto(cropped.example, *cropped.example.size)
    try:
        return decode_for_crop(content.data, cropped, short_side)
    except PhotoError as error:
        raise LookalikeError(f"{show_file_name(content.path)} {error}.") from error


def _read_jpeg_part(data: bytes, box: CropBox) -> Image.Image | None:
    """A part of an upright JPEG with all of its own pixels, in RGB; `box` is in fractions of its sides.

    None for other kinds, for what Qt does not read or convert to sRGB, and where even the part has too many pixels.
    """
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    reader = QImageReader(buffer, b"jpeg")
    reader.setAutoTransform(True)  # which comes behind the clipping
    area = _find_stored_area(box, reader.transformation())
    width, height = reader.size().toTuple() if reader.size().isValid() else (0, 0)
    clip = QRectF(area.x() * width, area.y() * height, area.width() * width, area.height() * height).toRect()
    if not data.startswith(b"\xff\xd8") or not 0 < clip.width() * clip.height() <= MAX_RESULT_PIXELS:
        return None
    reader.setClipRect(clip)
    image = reader.read()
    if image.colorSpace().isValid():
        image.convertToColorSpace(QColorSpace(QColorSpace.NamedColorSpace.SRgb))
    if image.isNull() or image.pixelFormat().colorModel() == QPixelFormat.ColorModel.CMYK:
        return None
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    return Image.frombytes("RGB", plain.size().toTuple(), plain.constBits(), "raw", "RGB", plain.bytesPerLine())


def _find_stored_area(box: CropBox, turn: QImageIOHandler.Transformation) -> QRectF:
    """Where a box of the upright picture lies in the picture as it is stored; both in fractions of the sides."""
    left, top, width, height = box
    turns = QImageIOHandler.Transformation
    if turn & turns.TransformationRotate90:  # clockwise, after the mirroring
        left, top, width, height = top, 1 - left - width, height, width
    if turn & turns.TransformationMirror:
        left = 1 - left - width
    if turn & turns.TransformationFlip:
        top = 1 - top - height
    return QRectF(left, top, width, height)


def _compose_box(outer: CropBox, area: QRectF) -> CropBox:
    """The box of an area within a box; in the unit of that, fractions or px."""
    left, top, width, height = outer
    return left + area.x() * width, top + area.y() * height, area.width() * width, area.height() * height
