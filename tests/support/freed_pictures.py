"""Threads that read large pictures and keep a little of each: python -m tests.support.freed_pictures given|left

Prints how much memory (MiB) the process still holds when all pictures are freed: with "given" as the window does it,
with "left" as glibc does by itself.
"""

import os
import sys
import threading
from pathlib import Path

from retrieval_app.workers.garbage_collector import give_back_freed_blocks

THREADS = 4


def read_resident() -> int:
    """MiB of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def read_pictures(kept: list[list[bytes]]) -> None:
    """Fill and free pictures, each somewhat larger than the one before, and keep small blocks made beside them."""
    for megabytes in range(8, 13):
        picture = bytearray(megabytes << 20)
        kept.append([bytes(3000) for _ in range(20)])
        del picture


def main() -> None:
    """Read in several threads at once, each of which gets an arena of its own."""
    if sys.argv[1] == "given":
        give_back_freed_blocks()
    before, kept = read_resident(), list[list[bytes]]()
    ready = threading.Barrier(THREADS)

    def read() -> None:
        ready.wait()
        read_pictures(kept)

    threads = [threading.Thread(target=read) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(read_resident() - before)


if __name__ == "__main__":
    main()
