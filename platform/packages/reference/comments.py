"""What a comment of a header consists of.

- paragraphs;
- bullets, lines that begin with "- ";
- a table: rows of a term, two spaces or more, and a text that may go on below itself;
- outcomes: "TACIT_ERR_BUSY: why", or "NULL: why", at the beginning of a line and of a sentence.
"""

import re
from dataclasses import dataclass, field

OUTCOME = re.compile(r"(NULL(?: here| with TACIT_OK)?(?=:)"
                     r"|TACIT_(?:OK|ERR_[A-Z_*]+)(?:, (?:TACIT_ERR)?_[A-Z_*]+)*)"
                     r"(?::|\.(?!\w)|(?= ))\s*")
ROW = re.compile(r"(\s*)(\S+(?: \S+)*) {2,}(?=\S)")


@dataclass
class Part:
    kind: str  # paragraph, bullets, table or outcomes
    rows: list = field(default_factory=list)  # [term, text]; without a term in paragraphs and bullets
    indent: int = 0  # of a table's terms

    def append_line(self, line):
        row = self.rows[-1]
        row[1] = (row[1] + " " + line.strip()).strip()


def parts(comment):
    found = []
    current = None  # which an empty line ends
    for line in comment.split("\n"):
        if not line.strip():
            current = None
            continue
        begun = begin(line, current)
        if begun is None:
            current.append_line(line)
        elif current and begun.kind == current.kind != "paragraph":
            current.rows += begun.rows
        else:
            current = begun
            found.append(begun)
    return [part for each in found for part in split_outcomes(each)]


def begin(line, current):
    """The part that a line begins; None where it goes on with the current one."""
    indent = len(line) - len(line.lstrip())
    row = ROW.match(line)
    in_table = current is not None and current.kind == "table"
    if line.startswith("- "):
        return Part("bullets", [["", line[2:].strip()]])
    if row and not (in_table and indent > current.indent):
        return Part("table", [[row.group(2), line[row.end():]]], indent)
    if in_table and indent == current.indent and line.strip().startswith("TACIT_"):
        return Part("table", [[line.strip(), ""]], indent)
    if in_table and indent > current.indent:
        return None
    outcome = OUTCOME.match(line)
    if outcome and (current is None or in_table or current.rows[-1][1][-1:] in ".:"
                    or current.kind == "outcomes" and not current.rows[-1][1]):
        return Part("outcomes", [[outcome.group(1), line[outcome.end():].strip()]])
    if current is None or in_table:
        return Part("paragraph", [["", line.strip()]])
    return None


def split_outcomes(part):
    """Several on a line: "TACIT_ERR_A: this. TACIT_ERR_B: that." """
    if part.kind == "outcomes":
        rows = []
        for term, text in part.rows:
            first, *others = re.split(r"(?<=\.) (?=TACIT_ERR_[A-Z_]+:)", text)
            rows.append([term, first])
            rows += [each.split(": ", 1) for each in others]
        part.rows = rows
    return [part]
