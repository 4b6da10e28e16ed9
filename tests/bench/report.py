# SPDX-License-Identifier: Apache-2.0
"""What was measured, as tables of text, and which goals are met."""

import dataclasses
import json
import pathlib
import statistics


@dataclasses.dataclass
class Goal:
    what: str
    measured: str
    goal: str
    met: bool
    bound: object = ""


class Report:
    """Prints as it goes; keeps the goals for the end."""

    def __init__(self):
        self.goals = []
        self.values = {}

    @staticmethod
    def line(text=""):
        print(f"  {text}".rstrip(), flush=True)

    def title(self, text):
        print(f"\n  {text}\n  {'-' * len(text)}", flush=True)

    def table(self, head, rows):
        """The first column to the left, the others to the right."""
        cells = [head, *rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
        for row in cells:
            first = f"{row[0]:<{widths[0]}}"
            self.line("  ".join([first, *(f"{text:>{width}}" for text, width in zip(row[1:], widths[1:]))]))

    def note(self, name, value):
        """For the file of numbers, and for medians over rounds."""
        self.values.setdefault(name, []).append(value)

    def median(self, name):
        return statistics.median(self.values[name])

    def spread(self, name):
        return f"{min(self.values[name]):,.0f} .. {max(self.values[name]):,.0f}"

    def has(self, *names):
        return all(name in self.values for name in names)

    def goal(self, what, measured, goal, met, bound=""):
        """@bound: what bounds it, a sentence, or what gives one at the end, when all parts were measured."""
        self.goals.append(Goal(what, measured, goal, met, bound))

    def close(self):
        if not self.goals:
            return
        for g in self.goals:
            g.bound = "" if g.met else g.bound() if callable(g.bound) else g.bound
        self.title("Goals")
        rows = [(g.what, g.measured, g.goal, "met" if g.met else "not met") for g in self.goals]
        self.table(("what", "measured", "goal", ""), rows)
        if any(g.bound for g in self.goals):
            self.line()
            self.line("What bounds those that are not met:")
        for g in self.goals:
            if g.bound:
                self.line(f"  {g.what}: {g.bound}")

    def write(self, path):
        content = {"values": self.values, "goals": [dataclasses.asdict(g) for g in self.goals]}
        pathlib.Path(path).write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def megabytes(n):
    return f"{n / 1e6:,.1f} MB"


def usec(value):
    return f"{value / 1000:,.1f} ms" if value >= 10000 else f"{value:,.0f} us"
