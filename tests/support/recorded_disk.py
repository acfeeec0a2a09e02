"""What is on a disk after the power has gone, from a record of all that a program has asked the system to write.

Only what was forced to the disk is sure to be there. Of each file's later writes any may be lost, kept, or torn between
two sectors; of each folder's later changes of names so many as came first may be there. So nothing is taken for granted
that a file system need not promise, as that a file's new name is on the disk because its content is.
"""

import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SECTOR = 512  # bytes that a disk writes as a whole
CALLS = (
    "open,openat,creat,lseek,write,pwrite64,writev,pwritev,pwritev2,truncate,ftruncate,fallocate,fsync,fdatasync,msync,"
    "sync_file_range,mmap,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,symlink,symlinkat,"
    "sendfile,copy_file_range,splice"
)
TRACER = ["strace", "-ff", "--seccomp-bpf", "-y", "-xx", "-s", "100000000"]
TRACER += ["--absolute-timestamps=format:unix,precision:ns"]
_LINE = re.compile(r"([\d.]+) (\w+)\((.*)\)\s+= (\d+)(<.*)?")
_READ_ONLY = {"sync_file_range", "msync"}
SHARED_MEMORY = b"-shm"  # of SQLite, made anew by whoever opens a database first


class Call(NamedTuple):
    """A system call that succeeded: its thread, name, arguments as printed, and result, a number and maybe a path."""

    thread: str
    name: str
    arguments: list[str]
    result: int
    opened: str


class File:
    """A file's content on the disk, and the writes since: (offset, bytes), or (size, None) where its end was moved."""

    def __init__(self, content: bytes = b"") -> None:
        self.durable, self.size = content, len(content)
        self.pending: list[tuple[int, bytes | None]] = []

    def write(self, offset: int, data: bytes) -> None:
        self.pending.append((offset, data))
        self.size = max(self.size, offset + len(data))

    def resize(self, size: int) -> None:
        self.pending.append((size, None))
        self.size = size

    def sync(self) -> None:
        self.durable = self.read_content(random.Random(), lost=0.0, torn=0.0)
        self.pending.clear()

    def read_content(self, draw: random.Random, *, lost: float, torn: float) -> bytes:
        """The content where each write since the last sync is lost or torn with these probabilities."""
        content = bytearray(self.durable)
        for offset, data in self.pending:
            chance = draw.random()
            if chance < lost:
                continue
            if data is None:
                content[offset:] = bytes(max(0, offset - len(content)))
                continue
            content.extend(bytes(max(0, offset + len(data) - len(content))))
            for start in range(0, len(data), SECTOR):
                if chance >= lost + torn or draw.random() < 0.5:
                    part = data[start : start + SECTOR]
                    content[offset + start : offset + start + len(part)] = part
        return bytes(content)


class Folder:
    """A folder's names on the disk, the names as programs see them, and the changes that lie between."""

    def __init__(self) -> None:
        self.durable: dict[bytes, File | Folder] = {}
        self.names: dict[bytes, File | Folder] = {}
        self.pending: list[dict[bytes, File | Folder | None]] = []

    def change(self, changes: "dict[bytes, File | Folder | None]") -> None:
        self.pending.append(changes)
        _apply(self.names, changes)

    def sync(self) -> None:
        self.durable = dict(self.names)
        self.pending.clear()


def _apply(names: dict[bytes, File | Folder], changes: dict[bytes, File | Folder | None]) -> None:
    for name, node in changes.items():
        names.pop(name, None)
        if node is not None:
            names[name] = node


class Disk:
    """The disk below a folder, to which recorded calls are applied one by one."""

    def __init__(self, place: Path) -> None:
        self.place = bytes(place)
        self.root = _read_folder(place)
        self._unnamed: dict[bytes, File] = {}
        self._positions: dict[tuple[str, str], int] = {}  # by thread, which stands for its process, and descriptor

    def apply(self, call: Call) -> None:
        """Do what a call has done; AssertionError for one whose effect on a disk is not known here."""
        handler = getattr(self, f"_do_{call.name.rstrip('24').removesuffix('6')}", None)
        if handler is not None:
            handler(call)
            return
        assert call.name in _READ_ONLY or not any(self._is_here(one) for one in map(_get_path, call.arguments)), call

    def write_remains(self, place: Path, draw: random.Random) -> None:
        """Write what is left after a power cut to an empty folder."""
        lost, torn = draw.choice([(1.0, 0.0), (0.5, 0.25), (0.1, 0.1), (0.0, 0.0)])
        _write_folder(self.root, place, draw, lost=lost, torn=torn)

    # names

    def _is_here(self, path: bytes) -> bool:
        return path.startswith(self.place + b"/") and not path.endswith(SHARED_MEMORY)

    def _find(self, path: bytes) -> "tuple[Folder, bytes]":
        """The folder that holds a path, and the name there."""
        *parents, name = path[len(self.place) + 1 :].split(b"/")
        folder = self.root
        for parent in parents:
            below = folder.names[parent]
            assert isinstance(below, Folder)
            folder = below
        return folder, name

    def _find_file(self, argument: str) -> File | None:
        """The file of an open descriptor, None for one that is not here or has no name any more."""
        path = _get_path(argument)
        if not self._is_here(path):
            return None
        if argument.endswith("(deleted)"):
            return self._unnamed.get(path)
        folder, name = self._find(path)
        node = folder.names.get(name)
        return node if isinstance(node, File) else None

    def _do_openat(self, call: Call) -> None:
        path, flags = _get_path(call.opened), call.arguments[2]
        if not self._is_here(path):
            return
        self._positions[call.thread, str(call.result)] = 0
        if "O_TMPFILE" in flags:
            self._unnamed[path] = File()
            return
        folder, name = self._find(path)
        if "O_CREAT" in flags and name not in folder.names:
            folder.change({name: File()})
        node = folder.names.get(name)
        if isinstance(node, File) and "O_TRUNC" in flags and node.size:
            node.resize(0)
        if isinstance(node, File) and "O_APPEND" in flags:
            self._positions[call.thread, str(call.result)] = node.size

    def _do_rename(self, call: Call) -> None:
        old, new = (_get_path(argument) for argument in call.arguments[:2])
        if not self._is_here(old):
            return
        (source, name), (target, other) = self._find(old), self._find(new)
        node = source.names[name]
        if source is target:
            source.change({name: None, other: node})
            return
        source.change({name: None})
        target.change({other: node})

    def _do_linkat(self, call: Call) -> None:
        path = _get_path(call.arguments[3])
        if self._is_here(path):
            file = self._find_file(call.arguments[0])
            assert file is not None, call
            folder, name = self._find(path)
            folder.change({name: file})

    def _do_mkdir(self, call: Call) -> None:
        path = _get_path(call.arguments[0])
        if self._is_here(path):
            folder, name = self._find(path)
            folder.change({name: Folder()})

    def _do_unlink(self, call: Call) -> None:
        path = _get_path(call.arguments[0])
        if self._is_here(path):
            folder, name = self._find(path)
            folder.change({name: None})

    _do_rmdir = _do_unlink

    def _do_unlinkat(self, call: Call) -> None:
        parent, name = _get_path(call.arguments[0]), _get_path(call.arguments[1])
        self._do_unlink(call._replace(arguments=[_quote(name if name.startswith(b"/") else parent + b"/" + name)]))

    # contents

    def _do_lseek(self, call: Call) -> None:
        self._positions[call.thread, _get_number(call.arguments[0])] = call.result

    def _do_write(self, call: Call) -> None:
        file, key = self._find_file(call.arguments[0]), (call.thread, _get_number(call.arguments[0]))
        if file is not None:
            data = _get_bytes(call.arguments[1])[: call.result]
            file.write(self._positions[key], data)
            self._positions[key] += len(data)

    def _do_pwrite(self, call: Call) -> None:
        file = self._find_file(call.arguments[0])
        if file is not None:
            file.write(int(call.arguments[3]), _get_bytes(call.arguments[1])[: call.result])

    def _do_ftruncate(self, call: Call) -> None:
        file = self._find_file(call.arguments[0])
        if file is not None:
            file.resize(int(call.arguments[1]))

    def _do_fsync(self, call: Call) -> None:
        path, file = _get_path(call.arguments[0]), self._find_file(call.arguments[0])
        if file is not None:
            file.sync()
        elif path == self.place:
            self.root.sync()
        elif self._is_here(path):
            folder, name = self._find(path)
            node = folder.names.get(name)
            if isinstance(node, Folder):
                node.sync()

    _do_fdatasync = _do_fsync

    def _do_mmap(self, call: Call) -> None:
        is_written = "PROT_WRITE" in call.arguments[2] and "MAP_SHARED" in call.arguments[3]
        assert not is_written or not self._is_here(_get_path(call.arguments[4])), call


def record_calls(words: list[str], out: Path, told: Path, env: dict[str, str]) -> list[Call]:
    """The calls of a program and its children in order; `told` gets its standard output, which is written at once."""
    out.mkdir(parents=True)
    tracer = [*TRACER, "-e", f"trace={CALLS}", "-o", str(out / "trace"), *words]
    with told.open("wb") as file:
        subprocess.run(tracer, env=env, stdout=file, check=True)
    timed = [entry for trace in out.iterdir() for entry in _read_trace(trace)]
    return [call for _, call in sorted(timed, key=lambda entry: entry[0])]


def _read_trace(trace: Path) -> Iterator[tuple[str, Call]]:
    for line in trace.read_text("latin-1").splitlines():
        if found := _LINE.match(line):
            moment, name, arguments, result, opened = found.groups()
            yield moment, Call(trace.suffix, name, arguments.split(", "), int(result), opened or "")


def select_calls(calls: list[Call], *places: Path) -> list[Call]:
    """The calls that name one of these paths, or one below."""
    starts = tuple(bytes(place) for place in places)
    return [call for call in calls if any(_get_path(one).startswith(starts) for one in (*call.arguments, call.opened))]


def read_told(call: Call, told: Path) -> str | None:
    """The line that a call has written to the file of what is told, None for every other call."""
    if call.name != "write" or _get_path(call.arguments[0]) != bytes(told):
        return None
    return _get_bytes(call.arguments[1]).decode().rstrip("\n")


def _get_path(argument: str) -> bytes:
    """The path in an argument: of a descriptor, or in quotes."""
    found = re.search(r'[<"]((?:\\x..)*)[>"]', argument)
    return bytes.fromhex(found[1].replace("\\x", "")) if found else b""


def _get_bytes(argument: str) -> bytes:
    return bytes.fromhex(argument.strip('"').replace("\\x", ""))


def _quote(path: bytes) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in path) + '"'


def _get_number(argument: str) -> str:
    return argument.partition("<")[0]


def _read_folder(place: Path) -> Folder:
    folder = Folder()
    for path in place.iterdir():
        if not bytes(path).endswith(SHARED_MEMORY):
            folder.names[bytes(path.name, "utf-8")] = _read_folder(path) if path.is_dir() else File(path.read_bytes())
    folder.sync()
    return folder


def _write_folder(folder: Folder, place: Path, draw: random.Random, *, lost: float, torn: float) -> None:
    names = dict(folder.durable)
    for changes in folder.pending[: draw.randint(0, len(folder.pending))]:
        _apply(names, changes)
    place.mkdir(exist_ok=True)
    for name, node in names.items():
        path = place / name.decode()
        if isinstance(node, Folder):
            _write_folder(node, path, draw, lost=lost, torn=torn)
        else:
            path.write_bytes(node.read_content(draw, lost=lost, torn=torn))
