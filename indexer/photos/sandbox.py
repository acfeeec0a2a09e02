"""Decode a picture that is suspected of breaking decoders, in a short-lived process of its own.

What crashes, hangs or swallows memory there costs that picture and nothing else. The content goes in on standard input
and comes back as pixels, so the caller cannot tell it from `photos.decode` but by the time it takes.
"""

import contextlib
import json
import signal
import subprocess
import sys

from PIL import Image

from indexer.errors import PhotoError
from indexer.photos import decoding as photos

SECONDS = 60  # the worst picture that is not refused takes a hundredth of this
MEMORY = 4 << 30  # bytes of address space; the largest picture that is not refused takes 600 MB

_CHILD = "from indexer.photos import sandbox; sandbox.main()"


def decode(data: bytes, short_side: int) -> photos.Decoded:
    """As `photos.decode`; PhotoError also where the picture makes its decoder crash or hang."""
    command = [sys.executable, "-c", _CHILD, str(short_side), str(SECONDS)]
    try:  # a session of its own: Ctrl-C is for the caller
        done = subprocess.run(
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise PhotoError(f"took longer than {SECONDS} s to decode") from None
    if done.returncode != 0:
        raise PhotoError("made the decoder crash")
    head, _, pixels = done.stdout.partition(b"\n")
    about = json.loads(head)
    if "reason" in about:
        raise PhotoError(about["reason"], about["needs"])
    return photos.Decoded(Image.frombytes("RGB", tuple(about["size"]), pixels), about["width"], about["height"])


def main() -> None:
    """The child: content on standard input; on standard output a line of JSON, then the pixels in RGB."""
    short_side, seconds = (int(word) for word in sys.argv[1:])
    _limit(seconds)
    try:
        image, width, height = photos.decode(sys.stdin.buffer.read(), short_side)
    except PhotoError as error:
        _answer({"reason": str(error), "needs": error.needs})
        return
    _answer({"size": image.size, "width": width, "height": height})
    sys.stdout.buffer.write(image.tobytes())


def _answer(about: dict[str, object]) -> None:
    sys.stdout.buffer.write(json.dumps(about).encode() + b"\n")


def _limit(seconds: int) -> None:
    """Bound memory, and time also where nobody is left to wait; where the system knows no such limits, none."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource  # noqa: PLC0415 - not on Windows

        signal.alarm(seconds + 1)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
