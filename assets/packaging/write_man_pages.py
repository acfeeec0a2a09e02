"""Write the manual pages of `lookalike` and of each of its commands: python write_man_pages.py FOLDER."""

import re
import sys
from pathlib import Path

from click_man.core import write_man_pages

from retrieval_app import __version__
from retrieval_app.commands import load_commands, lookalike_command

if __name__ == "__main__":
    load_commands()
    write_man_pages("lookalike", lookalike_command, version=__version__, target_dir=sys.argv[1])
    for page in Path(sys.argv[1]).glob("*.1"):  # lines that would be requests to roff
        page.write_text(
            re.sub(r"^(?='|\.[a-z]{3})", r"\\&", page.read_text(encoding="utf-8"), flags=re.MULTILINE), encoding="utf-8"
        )
