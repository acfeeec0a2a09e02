"""The figures of a library, under headings, in a panel."""

from collections.abc import Iterator

from indexer.library import LibraryInfo
from indexer.paths import show_path
from retrieval_app.widgets.figure_help import explain_figure
from retrieval_app.widgets.tables import FactColumn, FactSection, NamedFact
from retrieval_app.wording import format_count, format_percent, format_size


class LibraryFacts(FactColumn):
    """What the library contains, its model, its error rates, and how it is searched."""

    def __init__(self) -> None:
        super().__init__()
        explain_figure(self, "facts")


def list_fact_sections(info: LibraryInfo) -> Iterator[FactSection]:
    """The figures of a library in words, in the order of display."""
    yield FactSection("HOLDINGS", list(_list_content_facts(info)))
    yield FactSection("MODEL", list(_list_model_facts(info)))
    yield FactSection("LIKENESS", [NamedFact("Measured on", info.basis)])
    yield FactSection("SEARCH INDEX", list(_list_index_facts(info)))


def _list_content_facts(info: LibraryInfo) -> Iterator[NamedFact]:
    yield NamedFact("Photos", f"{info.photos:,}")
    yield NamedFact("Files", f"{info.files:,}")
    yield NamedFact("Missing", f"{info.missing:,}")
    if info.replaced:
        yield NamedFact("Replaced", f"{format_count(info.replaced, 'photo')} with words of yours, without a file")
    yield NamedFact("Not read", f"{info.failed:,}")
    yield NamedFact("On disk", format_size(info.bytes))
    yield NamedFact("Kept in", show_path(info.folder))


def _list_model_facts(info: LibraryInfo) -> Iterator[NamedFact]:
    yield NamedFact("Name", info.model)
    yield NamedFact("Fingerprint", info.fingerprint[:12])
    yield NamedFact("Embedding", format_count(info.dim, "number"))
    for precision, number in sorted(info.precisions.items()):
        yield NamedFact("Computed in", f"{precision}: {number:,}")
    if info.agreement is not None and info.agreement.bf16 is not None and "bf16" in info.precisions:
        mean = f", {info.agreement.bf16_mean:.4f} in the mean" if info.agreement.bf16_mean is not None else ""
        measured = f"cosine to fp32 {info.agreement.bf16:.4f} at worst{mean}, measured on {info.agreement.pictures}"
        yield NamedFact("Its noise", measured)


def _list_index_facts(info: LibraryInfo) -> Iterator[NamedFact]:
    if info.recall_at_10 is None:
        yield NamedFact("How", "every photo is compared, so the nearest are exact")
        return
    yield NamedFact("Number", f"{info.generation:04d}")
    yield NamedFact("Photos in it", f"{info.indexed:,}")
    yield NamedFact("Recall", f"finds {format_percent(info.recall_at_10)} of the true ten nearest")
    yield NamedFact("Later ones", f"{info.tail:,}, all of them compared")
