"""Pictures for the search for near copies: more than 200 that are no copies of each other, and changed copies of some.

The unlike ones are what hashes join: flat, nearly flat, sparse, white on transparent, very elongated, and drawings that
share a frame, an axis or a layout.
"""

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

Pictures = Iterator[Image.Image]


def draw_unlike_pictures() -> Iterator[tuple[str, Image.Image]]:
    """Each picture with a name that begins with its kind."""
    random = np.random.default_rng(7)
    for kind, draw in UNLIKE_KINDS.items():
        for number, picture in enumerate(draw(random)):
            yield f"{kind}-{number}", picture


def _draw_swatches(random: np.random.Generator) -> Pictures:
    for number in range(30):
        yield Image.new("RGB", (150 + 10 * (number % 3), 100), _pick_colour(random))


def _draw_noise(random: np.random.Generator) -> Pictures:
    for _ in range(20):
        values = random.integers(30, 220, 3) + random.normal(0, 1.5, (100, 140, 3))
        yield Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _draw_gradients(random: np.random.Generator) -> Pictures:
    down, across = np.mgrid[0:100, 0:140]
    for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False):
        slope = np.cos(angle) * across / 140 + np.sin(angle) * down / 100
        share = ((slope - slope.min()) / np.ptp(slope))[..., None]
        first, last = random.integers(0, 256, (2, 3))
        yield Image.fromarray((first + (last - first) * share).astype(np.uint8))


def _draw_sparse(random: np.random.Generator) -> Pictures:
    for number in range(40):
        picture = Image.new("RGB", (400, 300), "white")
        pen = ImageDraw.Draw(picture)
        x, y = int(random.integers(20, 360)), int(random.integers(20, 270))
        if number % 4 == 0:
            pen.line((x, y, x + int(random.integers(10, 60)), y + int(random.integers(-15, 15))), fill="black", width=2)
        elif number % 4 == 1:
            pen.ellipse((x, y, x + 8 + number // 4, y + 8 + number // 4), fill=(40, 40, 40))
        elif number % 4 == 2:
            pen.text((x - 20, y), f"No. {number}", fill="black")
        else:
            pen.rectangle((x, y, x + 12, y + 20 - number // 4), outline="black")
        yield picture


def _draw_logos(random: np.random.Generator) -> Pictures:
    """White on transparent."""
    for number in range(30):
        picture = Image.new("RGBA", (240, 240), (255, 255, 255, 0))
        corners = np.linspace(0, 2 * np.pi, 5 + number % 7, endpoint=False) + number
        reaches = random.uniform(25, 115, len(corners))
        points = [(120 + r * np.cos(a), 120 + r * np.sin(a)) for a, r in zip(corners, reaches, strict=True)]
        ImageDraw.Draw(picture).polygon(points, fill=(255, 255, 255, 255))
        yield picture


def _draw_strips(random: np.random.Generator) -> Pictures:
    for _ in range(12):
        for shape, size in (((1, 40, 3), (2000, 10)), ((40, 1, 3), (10, 2000))):
            colours = random.integers(0, 256, shape, dtype=np.uint8)
            yield Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC)


def _draw_charts(random: np.random.Generator) -> Pictures:
    for _ in range(24):
        picture = Image.new("RGB", (400, 300), "white")
        pen = ImageDraw.Draw(picture)
        pen.line((40, 20, 40, 270, 380, 270), fill="black", width=2)
        for bar in range(6):
            pen.rectangle((60 + 50 * bar, 270 - int(random.integers(20, 240)), 95 + 50 * bar, 270), fill=(70, 110, 180))
        yield picture


def _draw_pages(random: np.random.Generator) -> Pictures:
    for _ in range(24):
        picture = Image.new("RGB", (300, 420), "white")
        pen = ImageDraw.Draw(picture)
        for line in range(30):
            pen.text((20, 20 + 12 * line), bytes(random.integers(97, 123, 40).tolist()).decode(), fill="black")
        yield picture


def _draw_letters(random: np.random.Generator) -> Pictures:
    for number in range(26):
        picture = Image.new("RGB", (200, 200), "white")
        pen = ImageDraw.Draw(picture)
        pen.rectangle((5, 5, 194, 194), outline="black", width=3)
        pen.text((60, 30), chr(65 + number), fill="black", font_size=120)
        yield picture


def _draw_signs(random: np.random.Generator) -> Pictures:
    for number in range(12):
        picture = Image.new("RGB", (200, 200), (250, 250, 245))
        pen = ImageDraw.Draw(picture)
        pen.ellipse((10, 10, 190, 190), outline=(180, 20, 20), width=12)
        pen.text((70, 70), f"{number * 10}", fill="black", font_size=50)
        yield picture


def _pick_colour(random: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = random.integers(0, 256, 3).tolist()
    return red, green, blue


UNLIKE_KINDS: dict[str, Callable[[np.random.Generator], Pictures]] = {
    "swatch": _draw_swatches,
    "noise": _draw_noise,
    "gradient": _draw_gradients,
    "sparse": _draw_sparse,
    "logo": _draw_logos,
    "strip": _draw_strips,
    "chart": _draw_charts,
    "page": _draw_pages,
    "letter": _draw_letters,
    "sign": _draw_signs,
}


def _crop(picture: Image.Image) -> Image.Image:
    return picture.crop((round(0.05 * picture.width), round(0.05 * picture.height), picture.width, picture.height))


def _mark(picture: Image.Image) -> Image.Image:
    marked = picture.copy()
    place, size = (0.55 * picture.width, 0.85 * picture.height), max(8, picture.height // 14)
    ImageDraw.Draw(marked).text(place, "(c) studio", fill=(120, 120, 120), font_size=size)
    return marked


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half": lambda picture: picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS),
    "compressed": lambda picture: picture,
    "cropped": _crop,
    "darkened": lambda picture: ImageEnhance.Brightness(picture).enhance(0.8),
    "framed": lambda picture: ImageOps.expand(picture, border=max(2, picture.width // 25), fill=(30, 30, 30)),
    "marked": _mark,
    "turned": lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
}
