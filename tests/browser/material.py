"""The documents that the journeys are about: a handbook of a town library."""

from __future__ import annotations

from tests.pdf import write_pdf

# On page 3, line 2, alone on its line, so that a test knows where the highlight belongs.
RENEWAL = "A loan can be renewed twice, each time for another fourteen days."
RENEWAL_PAGE = 3
RENEWAL_LINE = 1
QUESTION = "How often can a loan be renewed?"

PAGES = (
    "The town library\n"
    "The library of the town lends books, music, maps and tools to everybody who lives here.\n"
    "It was founded in 1897 by the teachers of the two schools and moved to the mill in 1954.",
    "Opening hours\n"
    "The reading room opens at nine in the morning from Tuesday to Saturday.\n"
    "On Sundays and Mondays the building is closed, but books can be returned at the gate.",
    f"Loans\n{RENEWAL}\n"
    "A book that somebody else has reserved must be brought back on the day that was agreed.\n"
    "Maps are lent for three days only.",
    "Fees\n"
    "A membership costs twelve euros a year, and nothing for people under eighteen.\n"
    "Whoever returns a book late pays twenty cents a day, at most five euros a book.",
)

NOTES = """# Workshops

## Bookbinding

The bookbinding workshop takes place on the first Thursday of each month and costs fifteen euros.

## Printing

The printing press in the cellar may be used by members after an introduction of two hours.
"""


def handbook_pdf(*, num_filler: int = 0) -> bytes:
    """The handbook, followed by pages of an inventory that take some time to read."""
    rooms = [
        "\n".join(
            f"Shelf {shelf} of room {room} holds {shelf * 7 + room} volumes of local newspapers, "
            f"bound in {1900 + shelf}, and a box with {room + shelf} loose maps of the valley."
            for shelf in range(1, 9)
        )
        for room in range(1, num_filler + 1)
    ]
    return write_pdf([*PAGES, *rooms])
