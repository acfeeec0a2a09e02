"""Make a release here: version, changelog, commit, tag, wheel and sdist with their checksums in build/release.

    python .ci/make_release.py 0.2.0
    python .ci/make_release.py 0.2.0 --only-tag     # nothing is built

Nothing leaves this computer: to publish, push the tag and upload what lies in build/release. The same commit gives the
same bytes again: the time in the archives is the commit's.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

VERSION = re.compile(r"\d+\.\d+\.\d+")
OUT = Path("build") / "release"


def main() -> None:
    """Read the arguments and make the release; one sentence and code 2 where that is refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version")
    parser.add_argument("--only-tag", action="store_true", help="Build nothing.")
    arguments = parser.parse_args()
    require_releasable(arguments.version)
    write_version(arguments.version, datetime.now(UTC).date().isoformat())
    run_git("commit", "--quiet", "--all", "--allow-empty", "--message", f"Release {arguments.version}")
    run_git("tag", "--annotate", f"v{arguments.version}", "--message", f"Lookalike {arguments.version}")
    if not arguments.only_tag:
        build_archives()
    print(f"v{arguments.version} is made. Publish it: git push origin HEAD v{arguments.version}")


def require_releasable(version: str) -> None:
    """Exit with a sentence where the version is none or there already, or where changes are not committed."""
    if not VERSION.fullmatch(version):
        refuse(f"{version} is not a version such as 0.2.0.")
    if run_git("status", "--porcelain", "--untracked-files=no"):
        refuse("Some changes are not committed. Commit them first.")
    if run_git("tag", "--list", f"v{version}"):
        refuse(f"There is a release {version} already.")
    headings = re.findall(r"^## (.*)$", Path("CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    if not headings or not (headings[0] == "Unreleased" or headings[0].startswith(f"{version} - ")):
        refuse(f"CHANGELOG.md must begin with '## Unreleased' or '## {version} - DATE': what is new for users?")


def write_version(version: str, day: str) -> None:
    """Write the version where it stands: the project, the package, the changelog, the desktop's description."""
    replace_once("pyproject.toml", r'(?m)^version = ".*"$', f'version = "{version}"')
    replace_once("indexer/__init__.py", r'__version__ = "[^"]*"', f'__version__ = "{version}"')
    replace_once("CHANGELOG.md", r"(?m)^## .*$", f"## {version} - {day}")
    metainfo = "assets/desktop/org.lookalike.Lookalike.metainfo.xml"
    known = f'<release version="{version}"' in Path(metainfo).read_text(encoding="utf-8")
    pattern = rf'<release version="{re.escape(version)}" date="[^"]*"' if known else r"(?<=<releases>\n)"
    line = f'<release version="{version}" date="{day}"'
    replace_once(metainfo, pattern, line if known else f"    {line}/>\n")


def replace_once(name: str, pattern: str, replacement: str) -> None:
    """Replace the first place in a file where the pattern holds; it holds somewhere."""
    path = Path(name)
    text, count = re.subn(pattern, lambda _: replacement, path.read_text(encoding="utf-8"), count=1)
    if not count:
        refuse(f"{name} has no place for the version ({pattern}).")
    path.write_text(text, encoding="utf-8")


def build_archives() -> None:
    """Build wheel and sdist of the commit, check them, and list their checksums as `sha256sum --check` reads them."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": run_git("log", "-1", "--format=%ct")}
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    run_module("build", "--outdir", str(OUT), ".", environment=environment)
    archives = sorted(OUT.iterdir())
    run_module("twine", "check", "--strict", *map(str, archives), environment=environment)
    run_module("check_wheel_contents", *map(str, OUT.glob("*.whl")), environment=environment)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in archives]
    (OUT / "SHA256SUMS").write_text("".join(lines), encoding="ascii")


def run_module(module: str, *arguments: str, environment: dict[str, str]) -> None:
    """Run a module of this Python; exit where it fails."""
    command = [sys.executable, "-m", module, *arguments]
    if subprocess.run(command, env=environment, check=False).returncode:
        refuse(f"{' '.join(command)} failed; the commit and the tag are made.")


def run_git(*arguments: str) -> str:
    """What git prints."""
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def refuse(sentence: str) -> None:
    """Say why there is no release, and exit."""
    print(sentence, file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
