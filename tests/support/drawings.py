"""Small drawn pictures in classes that a person and a network tell apart."""

from PIL import Image, ImageDraw

CLASSES = {"disc": (200, 60, 60), "square": (60, 90, 200), "bar": (70, 160, 90)}
EACH = 8


def draw(shape: str, number: int) -> Image.Image:
    """A picture of a class of CLASSES, with sides of 120 to 160 px, another one for each number."""
    width, height = ((160, 120), (120, 160), (140, 140))[number % 3]
    image = Image.new("RGB", (width, height), (245, 245, 240))
    pen = ImageDraw.Draw(image)
    for step in range(3):
        x, y = (37 * (number + 1) * (step + 1)) % width, (53 * (number + 2) * (step + 1)) % height
        box = (x - 30, y - 30, x + 30, y + 30)
        if shape == "disc":
            pen.ellipse(box, fill=CLASSES[shape])
        elif shape == "square":
            pen.rectangle(box, fill=CLASSES[shape])
        else:
            pen.line((x, 0, y, height), fill=CLASSES[shape], width=9)
    return image
