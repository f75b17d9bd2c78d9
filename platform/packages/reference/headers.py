"""Reads a public header of tacit: what it declares, and what its comments say about that.

A comment belongs to the declarations that follow it without an empty line between, or to the one that it
stands behind; one that nothing follows is about the header as a whole. Among constants a comment after an
empty line is about all those that follow. What the compiler decides (#if) is not looked at.
"""

import re
from dataclasses import dataclass, field


@dataclass
class Member:
    """Of a struct, or a constant of an enum."""
    code: str
    comment: str = ""
    caption: str = ""  # of this one and those that follow


@dataclass
class Declaration:
    kind: str  # function, struct, enum, opaque, callback or macro
    name: str
    code: str
    note: str = ""  # the comment behind it
    members: list = field(default_factory=list)


@dataclass
class Passage:
    """A comment and what it is about."""
    comment: str = ""
    declarations: list = field(default_factory=list)

    def functions(self):
        return [each for each in self.declarations if each.kind == "function"]


@dataclass
class Header:
    name: str  # "client.h"
    about: str
    passages: list

    def functions(self):
        return [each for passage in self.passages for each in passage.functions()]


def read(path):
    with open(path, encoding="utf-8") as file:
        passages = passages_of(without_conditions(file.read()))
    about = passages.pop(0).comment
    name = re.search(r"[^/]*$", path).group()
    return Header(name, about, passages)


def without_conditions(text):
    """Without directives, but for the constants of the header, and without what stands between #if and #endif
    inside its guard."""
    kept = []
    depth = 0
    for line in re.sub(r"\\\n", " ", text).split("\n"):
        if re.match(r"#if", line):
            depth += 1
        elif re.match(r"#endif", line):
            depth -= 1
        elif depth < 2 and not (line.startswith("#") and not re.match(r"#define TACIT_\w+ ", line)):
            kept.append(line)
    return "\n".join(kept)


def code_end(text, position, end):
    """Behind the `end` that closes the code at `position`, outside of brackets; or where a comment or the text's end
    does."""
    depth = 0
    while position < len(text):
        if text.startswith("/*", position):
            if depth == 0:
                return position
            position = text.index("*/", position) + 1
        elif text[position] in "({":
            depth += 1
        elif text[position] in ")}":
            depth -= 1
        elif text[position] == end and depth == 0:
            return position + 1
        position += 1
    return position


def tokens(text, end):
    """(kind, text) of each empty line, comment, note (a comment behind code on its line) and piece of code."""
    position = 0
    behind = False
    while position < len(text):
        space = re.compile(r"\s*").match(text, position).group()
        position += len(space)
        if "\n" in space:
            behind = False
        if space.count("\n") > 1:
            yield "empty", ""
        if text.startswith("/*", position):
            stop = text.index("*/", position) + 2
            yield "note" if behind else "comment", plain(text[position:stop])
        elif position < len(text):
            stop = text.find("\n", position) if text[position] == "#" else code_end(text, position, end)
            behind = True
            yield "code", text[position:stop]
        else:
            break
        position = stop


def plain(comment):
    """The text of a comment, line by line."""
    lines = comment[2:-2].split("\n")
    return "\n".join(re.sub(r"^\s*\*? ?", "", line, count=1).rstrip() if number else line.strip()
                     for number, line in enumerate(lines)).strip("\n")


def passages_of(text):
    found = [Passage()]
    for kind, what in tokens(text, ";"):
        last = found[-1]
        if kind == "empty" or kind == "comment":
            if last.comment or last.declarations:
                found.append(Passage())
            found[-1].comment = what
        elif kind == "note":
            last.declarations[-1].note = what
        else:
            last.declarations.append(declaration(what))
    return forget_forward_declarations([each for each in found if each.comment or each.declarations])


def forget_forward_declarations(passages):
    """A struct that is opaque at first and open later is an open one."""
    opened = {each.name for passage in passages for each in passage.declarations if each.kind == "struct"}
    for passage in passages:
        passage.declarations = [each for each in passage.declarations
                                if not (each.kind == "opaque" and each.name in opened)]
    return [each for each in passages if each.comment or each.declarations]


def declaration(text):
    body = re.match(r"(?:typedef )?(struct|enum) (\w+) \{(.*)\}", text, re.S)
    if body:
        kind, name, inside = body.groups()
        return Declaration(kind, name, kind + " " + name, members=members_of(inside, ";" if kind == "struct" else ","))
    code = re.sub(r"\s+", " ", text).strip(" ;")
    for kind, pattern in (("macro", r"#define (TACIT_\w+) "), ("opaque", r"typedef struct (\w+) \1$"),
                          ("callback", r"typedef .*?\(\*(\w+)\)"), ("function", r"TACIT_API .*?(\w+)\(")):
        match = re.match(pattern, code)
        if match:
            code = re.sub(r"^(TACIT_API|typedef|#define) ", "", code)
            return Declaration(kind, match.group(1), re.sub(r"([(*]) ", r"\1", code))
    raise ValueError("what is this: " + code)


def members_of(text, end):
    found = []
    comment = caption = ""
    after_empty = True
    for kind, what in tokens(text, end):
        if kind == "note":
            found[-1].comment = what
        elif kind == "comment" and end == "," and after_empty:
            caption = what
        elif kind == "comment":
            comment = what
        elif kind == "code":
            found.append(Member(re.sub(r"\s+", " ", what).rstrip(" ,;"), comment, caption))
            comment = caption = ""
        after_empty = kind == "empty"
    return found
