"""The figures of a library, under headings, in a panel."""

from collections.abc import Iterator

from indexer.library import LibraryInfo
from indexer.paths import show_path
from indexer.wording import format_number, name_model_fully, tr
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
    yield FactSection(tr("HOLDINGS"), list(_list_content_facts(info)))
    yield FactSection(tr("MODEL"), list(_list_model_facts(info)))
    yield FactSection(tr("LIKENESS"), [NamedFact(tr("Measured on"), info.basis)])
    yield FactSection(tr("SEARCH INDEX"), list(_list_index_facts(info)))


def _list_content_facts(info: LibraryInfo) -> Iterator[NamedFact]:
    yield NamedFact(tr("Photos"), format_number(info.photos, ","))
    yield NamedFact(tr("Files"), format_number(info.files, ","))
    yield NamedFact(tr("Missing"), format_number(info.missing, ","))
    if info.replaced:
        yield NamedFact(
            tr("Replaced"),
            tr("{photos} with words of yours, without a file", photos=format_count(info.replaced, "photo")),
        )
    yield NamedFact(tr("Not read"), format_number(info.failed, ","))
    yield NamedFact(tr("On disk"), format_size(info.bytes))
    yield NamedFact(tr("Kept in"), show_path(info.folder))


def _list_model_facts(info: LibraryInfo) -> Iterator[NamedFact]:
    yield NamedFact(tr("Name"), name_model_fully(info.model, info.fingerprint))
    yield NamedFact(tr("Fingerprint"), info.fingerprint[:12])
    yield NamedFact(tr("Embedding"), format_count(info.dim, "number"))
    for precision, number in sorted(info.precisions.items()):
        yield NamedFact(tr("Computed in"), f"{precision}: {format_number(number, ',')}")
    if info.agreement is not None and info.agreement.bf16 is not None and "bf16" in info.precisions:
        mean = (
            tr(", {bf16_mean:.4f} in the mean", bf16_mean=info.agreement.bf16_mean)
            if info.agreement.bf16_mean is not None
            else ""
        )
        measured = tr(
            "cosine to fp32 {bf16:.4f} at worst{mean}, measured on {pictures}",
            bf16=info.agreement.bf16,
            mean=mean,
            pictures=info.agreement.pictures,
        )
        yield NamedFact(tr("Its noise"), measured)


def _list_index_facts(info: LibraryInfo) -> Iterator[NamedFact]:
    if info.recall_at_10 is None:
        yield NamedFact(tr("How"), tr("every photo is compared, so the nearest are exact"))
        return
    yield NamedFact(tr("Number"), f"{info.generation:04d}")
    yield NamedFact(tr("Photos in it"), format_number(info.indexed, ","))
    yield NamedFact(
        tr("Recall"), tr("finds {recall_at_10} of the true ten nearest", recall_at_10=format_percent(info.recall_at_10))
    )
    yield NamedFact(tr("Later ones"), tr("{tail:,}, all of them compared", tail=info.tail))
