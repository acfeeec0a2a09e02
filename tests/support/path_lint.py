"""Where a source text takes paths apart or puts them together by hand, instead of asking `indexer.paths`.

Types are not known here, so what is a path is told by names: a variable called root, folder, path or file holds one.
"""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

OS_PATH_NAMES = frozenset(
    (
        *("altsep", "basename", "commonpath", "commonprefix", "dirname", "join", "normcase", "normpath"),
        *("pardir", "relpath", "sep", "split", "splitdrive", "splitext", "splitroot"),
    )
)
CUTTING_METHODS = frozenset(
    ("split", "rsplit", "partition", "rpartition", "find", "rfind", "index", "rindex", "strip", "lstrip", "rstrip")
)
SEPARATORS = frozenset(("/", "\\", b"/", b"\\"))
PATH_NAME = re.compile(r"(?:^|_)(?:root|folder|path|file|directory|target|place)s?$|^(?:Pure|Posix|Windows)*Path$")
PATH_MODULES = frozenset(("ntpath", "posixpath"))
HANDLING_NODES = (ast.Attribute, ast.BinOp, ast.Call, ast.Import, ast.ImportFrom, ast.JoinedStr)


def find_path_handling(source: str) -> list[int]:
    """The numbers of the lines that handle paths by hand."""
    return sorted({node.lineno for node in _walk(ast.parse(source)) if _handles_path(node)})


def _walk(tree: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    return (node for node in ast.walk(tree) if isinstance(node, HANDLING_NODES))


def _handles_path(node: ast.expr | ast.stmt) -> bool:
    return any(
        handles(node) for handles in (_is_part_of_path_module, _imports_path_module, _is_cut, _is_put_together_by_hand)
    )


def _is_part_of_path_module(node: ast.AST) -> bool:
    """`os.path.split`, `os.sep`, and `path.parts` of pathlib."""
    match node:
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="os"), attr="path"), attr=name):
            return name in OS_PATH_NAMES
        case ast.Attribute(value=ast.Name(id="os"), attr="sep" | "altsep"):
            return True
        case ast.Attribute(value=value, attr="parts"):
            return _is_path(value)
    return False


def _imports_path_module(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module in PATH_MODULES or node.module == "os.path"
    return isinstance(node, ast.Import) and any(one.name in PATH_MODULES or one.name == "os.path" for one in node.names)


def _is_cut(node: ast.AST) -> bool:
    """Whether a method cuts at a separator, joins by one, or compares a path's beginning with another path."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=separator), attr="join"), args=[names]):
            return separator in SEPARATORS and _is_path(names)
        case ast.Call(func=ast.Attribute(attr=method), args=[ast.Constant(value=separator), *_]):
            return method in CUTTING_METHODS and separator in SEPARATORS
        case ast.Call(func=ast.Attribute(value=value, attr="startswith" | "removeprefix"), args=[beginning, *_]):
            return _is_path(beginning) and _is_path(value)
    return False


def _is_put_together_by_hand(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr(values=values):
            return any(_is_joint(left, right) for left, right in pairwise(values))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _is_separator_beside(right, left) or _is_separator_beside(left, right)
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            return "%s/" in text
        case ast.BinOp(left=ast.Constant(value=bytes(text)), op=ast.Mod()):
            return b"%s/" in text
    return False


def _is_separator_beside(node: ast.expr, other: ast.expr) -> bool:
    """Whether a constant is a separator: in bytes always, as only paths are, in text beside a path."""
    if not (isinstance(node, ast.Constant) and node.value in SEPARATORS):
        return False
    return isinstance(node.value, bytes) or _is_path(other)


def _is_joint(left: ast.expr, right: ast.expr) -> bool:
    """Whether a piece of an f-string that holds a path is followed by a separator."""
    if not (isinstance(left, ast.FormattedValue) and isinstance(right, ast.Constant) and isinstance(right.value, str)):
        return False
    return right.value[:1] in ("/", "\\") and _is_path(left.value)


def _is_path(node: ast.expr) -> bool:
    """Whether an expression is a path by its name, or by that of the function that makes it."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return bool(PATH_NAME.search(name))
        case ast.Call(func=function):
            return _is_path(function)
    return False
