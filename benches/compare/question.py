"""The question that all are asked, and how their answers are made comparable.

"LISTs and watches per user agent and minute, top 20": of complete events, those with verb list or watch, grouped by the user
agent up to its first slash, the verb and the minute in which the server received the request; the most frequent first, ties in
the order of the other columns, bytewise.
"""

import csv
import io
from dataclasses import dataclass

# The end of the question in every dialect of SQL.
ORDER = "order by n desc, agent, verb, minute limit 20"


@dataclass(frozen=True)
class Way:
    """One way to ask one tool one thing."""

    tool: str
    how: str
    argv: list
    # "question" prints 20 rows, "export" writes `output`, "floor" does less than the question asks.
    task: str
    output: str = ""


def rows(text):
    """The answer in `text`, with commas or tabs, with a header or without, as tuples that compare across tools.

    What stands before a carriage return is a progress bar's.
    """
    text = "\n".join(line.rsplit("\r", 1)[-1] for line in text.replace("\r\n", "\n").split("\n"))
    delimiter = "\t" if "\t" in text.split("\n", 1)[0] else ","
    lines = [line for line in csv.reader(io.StringIO(text), delimiter=delimiter) if len(line) == 4]
    if lines and not lines[0][3].isdigit():
        lines = lines[1:]
    return [(agent, verb, _minute(minute), int(count)) for agent, verb, minute, count in lines]


def _minute(text):
    """`2026-01-15 08:00`, whatever a tool writes for that minute of UTC."""
    return text.replace("T", " ")[:16]


def difference(expected, found):
    """The first place where two answers part, or None."""
    for at, (left, right) in enumerate(zip(expected, found)):
        if left != right:
            return f"row {at + 1} is {right}, not {left}"
    if len(expected) != len(found):
        return f"there are {len(found)} rows, not {len(expected)}"
    return None
