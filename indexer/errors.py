"""What can go wrong that a user can do something about, one class per thing a caller can do about it.

    LookalikeError          say the sentence, exit code 2
    ├── PhotoError          one picture cannot be used: list it with the reason and go on
    ├── DecoderStuck        a decoder hangs: start this process anew
    ├── ModelError          a model cannot be had, is damaged or foreign: choose another, keep the old
    ├── GenerationError     derived search files do not agree: search exactly, build them again
    └── LibraryError        the library cannot be opened or written
        ├── LibraryBusy     another program is at work on it: read only, try again later
        └── EmbeddingsDamaged   stored vectors are not what was written: embed those photos again

Every message is a sentence for the user: what, which file, what to do next. Anything else that is raised is a bug.
An error carries the sentence's template and its values, and is worded where it is shown, in the language of the reader.
"""

from indexer.wording import fill_template, tr


class LookalikeError(Exception):
    """A fault the user can act on; its text is the sentence to show."""

    def __init__(self, template: str = "", /, **values: object) -> None:
        super().__init__(template)
        self.template, self.values = template, values

    def __str__(self) -> str:
        return tr(self.template, **self.values)

    def spell_english(self) -> str:
        """The sentence in English, as it is kept: whoever reads it later may have another language."""
        return fill_template(self.template, self.values)


class PhotoError(LookalikeError):
    """One picture cannot be used; the text is the plain reason, without the path.

    `needs` names the optional extra ("heif", "raw", "jxl") that would make it readable, else None.
    """

    def __init__(self, reason: str, /, needs: str | None = None, **values: object) -> None:
        super().__init__(reason, **values)
        self.needs = needs


class DecoderStuck(LookalikeError):
    """A picture hangs in its decoder, whose thread only ends with the process; the next run decodes it by itself."""


class ModelError(LookalikeError):
    """A model cannot be had, is damaged, or is not one of ours."""


class GenerationError(LookalikeError):
    """Derived search files are missing or do not agree with their manifest."""


class LibraryError(LookalikeError):
    """A library cannot be opened, or cannot be written."""


class LibraryBusy(LibraryError):
    """Another job holds the library's lock."""


class EmbeddingsDamaged(LibraryError):
    """Stored embeddings do not agree with their checksums, or are no unit vectors."""
