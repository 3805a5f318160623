"""What else is signed about a release: that it was handed over at all, its withdrawal, an authorisation of its room."""

import sys
from collections.abc import Iterator
from pathlib import Path

from stillroom.documents import KINDS
from stillroom.errors import TrustError
from stillroom.files import read_bounded
from stillroom.release_forms import PAPERS, WITHDRAWALS
from stillroom.release_papers import Release
from stillroom_tools.site.drafts import read_draft
from stillroom_tools.site.layout import Site

_SCOPE = "release"


def check_known(site: Site, unit: str, trust: Path | None, name: str) -> None:
    """A withdrawal of a name that no release has ends nothing. Raises TrustError with the names there are."""
    known = sorted(set(_delivered(site, unit, trust)))
    if name not in known:
        raise TrustError(
            f"release '{name}': never delivered to unit '{unit}', so nothing is withdrawn; "
            f"known: {', '.join(known) or 'none'}"
        )


def _delivered(site: Site, unit: str, trust: Path | None) -> Iterator[str]:
    """Kept by the site, or by a unit at hand, to which another machine may have delivered them.

    A damaged one counts by its file's name: it must not keep anybody from ending it, nor another.
    """
    for folder in (site.releases_dir, *([trust / PAPERS] if trust else [])):
        for path in folder.glob("*.note"):
            try:
                of = read_draft(path, read_bounded(path), KINDS[Release], Release).unit
            except TrustError:
                of = unit
            if of == unit:
                yield path.stem


def check_not_withdrawn(site: Site, trust: Path | None, paper: Release) -> None:
    """As the unit judges it: a withdrawal of that name, whoever signed it, ends it for good. Raises TrustError."""
    for folder in (site.folder, *([trust] if trust else [])):
        path = folder / WITHDRAWALS / f"{paper.id}.note"
        if path.exists():
            raise TrustError(
                f"{path}: release {paper.id} is withdrawn, for good: make another one with `release new`"
            )


def warn(site: Site, paper: Release) -> None:
    """On standard error, where nothing that is signed lets the unit record that room in any of its time.

    Raises TrustError for the first authorisation that is not right.
    """
    withdrawn = site.withdrawn()
    papers = [one for one in site.authorisations(paper.unit) if one.id not in withdrawn]
    together = [one for one in papers if one.start < paper.until and paper.start < one.until]
    if any(one.room == paper.room and _SCOPE in one.scopes for one in together):
        return
    signed = ", ".join(sorted(f"room {one.room} with {','.join(one.scopes)}" for one in together))
    print(
        f"warning: unit {paper.unit} will record nothing: no authorisation of room {paper.room} with the scope "
        f"'{_SCOPE}' is signed for this time (signed: {signed or 'none'}): stillroom site authorise new",
        file=sys.stderr,
    )
