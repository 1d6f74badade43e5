# SPDX-License-Identifier: MIT
"""Plain tables: medians with min and max, and the sentence that each number gets."""

import statistics


def spread(values, digits=2):
    """The median, with min and max where there is more than one value."""
    text = f"{statistics.median(values):,.{digits}f}"
    if len(values) == 1:
        return text
    return f"{text} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def print_table(title, header, rows, notes=()):
    """A row that is (name, text) cannot be measured; the text says why."""
    full = [row for row in rows if len(row) == len(header)]
    widths = [max(len(row[i]) for row in [header, *full]) for i in range(len(header))]
    widths[0] = max(len(row[0]) for row in [header, *rows])
    print(f"\n{title}")
    for row in [header, *rows]:
        if len(row) == len(header):
            cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        else:
            cells = [row[0].ljust(widths[0]), row[1]]
        print(("  " + "  ".join(cells)).rstrip())
    for note in notes:
        print(f"  {note}")


class Verdicts:
    """The numbers to reach against what was measured."""

    def __init__(self):
        self.rows = []

    def add(self, holds, name, text):
        self.rows.append(("holds" if holds else "falls short", name, text))

    def not_measured(self, name, reason):
        self.rows.append(("not measured", name, reason))

    def print(self, title):
        print_table(title, ("", "number", "measured"), self.rows)
        lists = []
        for state in ("holds", "falls short", "not measured"):
            names = [row[1] for row in self.rows if row[0] == state]
            if names:
                lists.append(f"{state}: {', '.join(names)}")
        print("\n" + "; ".join(lists))
