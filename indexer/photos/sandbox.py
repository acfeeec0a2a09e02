"""Decode a picture that may break its decoder in a process of its own, with limits of time and memory.

A crash or a hang there costs that picture and nothing else. The content goes in on standard input and the pixels come
back on standard output, so that the result is that of `decode_photo`, only later.
"""

import contextlib
import json
import signal
import subprocess
import sys

from PIL import Image

from indexer.errors import PhotoError
from indexer.own_process import build_module_command
from indexer.photos.capture_facts import DescribedPhoto, decode_described
from indexer.photos.decoding import DecodedPhoto
from indexer.photos.reading import CaptureFacts

TIME_LIMIT_SECONDS = 60  # of processor time; the worst picture that is not refused takes a hundredth of this
IDLE_FACTOR = 10 if sys.platform != "win32" else 1  # times as long by the clock, where processor time can be limited
TOO_LONG = "took longer than {} s to decode"
_TIME_SIGNALS = frozenset(-getattr(signal, name) for name in ("SIGXCPU", "SIGALRM") if hasattr(signal, name))
MEMORY_LIMIT_BYTES = 4 << 30  # bytes of address space; the largest picture that is not refused takes 600 MB


def decode_in_child(data: bytes, short_side: int) -> DecodedPhoto:
    """Decode as `decode_photo` does, in a process of its own; PhotoError also where the decoder crashes or hangs."""
    return decode_described_in_child(data, short_side).picture


def decode_described_in_child(data: bytes, short_side: int) -> DescribedPhoto:
    """As `decode_in_child`, with the facts of the taking, which the same process reads."""
    command = build_module_command(__name__, str(short_side), str(TIME_LIMIT_SECONDS))
    try:  # a session of its own: Ctrl-C is for the caller
        child = subprocess.run(
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIME_LIMIT_SECONDS * IDLE_FACTOR,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise PhotoError(TOO_LONG.format(TIME_LIMIT_SECONDS)) from None
    if child.returncode in _TIME_SIGNALS:
        raise PhotoError(TOO_LONG.format(TIME_LIMIT_SECONDS))
    if child.returncode != 0:
        raise PhotoError("made the decoder crash")
    header_line, _, pixels = child.stdout.partition(b"\n")
    header = json.loads(header_line)
    if "reason" in header:
        raise PhotoError(header["reason"], header["needs"])
    image = Image.frombytes("RGB", tuple(header["size"]), pixels)
    picture = DecodedPhoto(image, header["width"], header["height"])
    return DescribedPhoto(picture, CaptureFacts(*header["capture"]))


def main() -> None:
    """Run as the child: content on standard input; on standard output a line of JSON, then the pixels in RGB."""
    short_side, seconds = (int(word) for word in sys.argv[1:])
    _limit_resources(seconds)
    try:
        (image, width, height), capture = decode_described(sys.stdin.buffer.read(), short_side)
    except PhotoError as error:
        _write_header({"reason": error.spell_english(), "needs": error.needs})
        return
    _write_header({"size": image.size, "width": width, "height": height, "capture": capture})
    sys.stdout.buffer.write(image.tobytes())


def _write_header(header: dict[str, object]) -> None:
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n")


def _limit_resources(seconds: int) -> None:
    """Limit this process in time (also when its parent has ended) and memory, where the system has these limits."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource  # noqa: PLC0415 - not on Windows

        signal.alarm(seconds * IDLE_FACTOR + 1)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
