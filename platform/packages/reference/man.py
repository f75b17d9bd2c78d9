#!/usr/bin/env python3
"""Writes the manual pages of the library from its headers: one for each header, one for the whole (tacit.3, from
tacit.h and a program as the example), and a link for each function.

    man.py DIRECTORY EXAMPLE HEADER...
"""

import os
import re
import sys
import time

import comments
import headers
import mdoc


def main(directory, example, *paths):
    os.makedirs(directory, exist_ok=True)
    pages = [headers.read(path) for path in paths]
    names = {page_name(each): each for each in pages}
    for path, header in zip(paths, pages):
        name = page_name(header)
        others = sorted(each for each in names if each != name)
        body = overview(header, names, example) if name == "tacit" else page(header)
        write(directory, name, [".Dd " + date(path), f".Dt {name.upper()} 3", ".Os", *body, *see_also(others)])
        for function in header.functions():
            link(directory, function.name, name)


def page_name(header):
    stem = header.name.removesuffix(".h")
    return stem if stem == "tacit" else "tacit_" + stem


def write(directory, name, lines):
    with open(os.path.join(directory, name + ".3"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def link(directory, name, target):
    path = os.path.join(directory, name + ".3")
    if os.path.lexists(path):
        os.remove(path)
    os.symlink(target + ".3", path)


def date(path):
    """Of the source package, where one is built; of the header elsewhere."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or os.path.getmtime(path))
    day = time.gmtime(seconds)
    return f"{time.strftime('%B', day)} {day.tm_mday}, {day.tm_year}"


def page(header):
    names = [function.name for function in header.functions()]
    return [".Sh NAME", *[f".Nm {each} ," for each in names[:-1]], ".Nm " + names[-1],
            ".Nd " + summary(header),
            ".Sh LIBRARY", *library(header),
            ".Sh SYNOPSIS", f".In tacit/{header.name}", *synopsis(header),
            ".Sh DESCRIPTION", *paragraphs(comments.parts(header.about)),
            *descriptions(header), *errors(header)]


def library(header):
    name = "tacit-redis" if header.name == "redis.h" else "tacit"
    return [f"lib{name} (pkg-config: {name})"]


def summary(header):
    """The first sentence of what the header says about itself, for lists of pages."""
    first = comments.parts(header.about)[0].rows[0][1].removeprefix("tacit: ").partition(". ")[0].rstrip(".")
    return first[0].lower() + first[1:]


def synopsis(header):
    lines = []
    for function in header.functions():
        answer, name, parameters = re.fullmatch(r"(.*?)(\w+)\((.*)\)", function.code).groups()
        lines += [".Ft " + mdoc.quoted(answer.strip()), ".Fo " + name]
        lines += [".Fa " + mdoc.quoted(each) for each in parameters.split(", ")]
        lines += [".Fc"]
    return lines


def descriptions(header):
    lines = []
    for passage in header.passages:
        lines += description(passage, any(line.startswith(".Ss") for line in lines))
    return lines


def description(passage, within):
    """A subsection, where the passage is about something and has something to say; also of what is about all that
    follows, within the subsection of something else."""
    told = [part for part in comments.parts(passage.comment)
            if part.kind != "outcomes" or not passage.functions()]
    body = paragraphs(told)
    rows = [(head(each), mdoc.text(each.note)) for each in passage.declarations if stands_in_a_list(each)]
    if rows:
        body += mdoc.tagged(rows)
    for each in passage.declarations:
        if each.note and not stands_in_a_list(each):
            body += [".Pp"] * bool(body) + mdoc.text(each.note[0].upper() + each.note[1:])
        body += members(each)
    if not body:
        return []
    heading = ", ".join(title(each) for each in passage.declarations)
    if not heading and within:
        heading = "The functions below"
    return ([".Ss " + heading] if heading else [".Pp"]) + body


def title(declaration):
    return declaration.code if declaration.kind in ("struct", "enum") else \
        declaration.name + ("()" if declaration.kind == "function" else "")


def stands_in_a_list(declaration):
    """Callbacks and constants with what they are; functions, which are above, with what is behind them."""
    return declaration.kind == "callback" or declaration.kind == "function" and declaration.note or \
        declaration.kind == "macro" and not declaration.name.endswith("_INIT")


def head(declaration):
    if declaration.kind == "function":
        return "Fn " + declaration.name
    return ("Vt " if declaration.kind == "callback" else "Dv ") + mdoc.quoted(declaration.code)


def members(declaration):
    """What a struct or an enum consists of; a list for each caption."""
    lines = []
    rows = []
    for each in declaration.members:
        if each.caption:
            lines += mdoc.tagged(rows) if rows else []
            lines += [".Pp", *mdoc.text(each.caption[0].upper() + each.caption[1:] + ":")]
            rows = []
        rows.append((member_head(declaration, each), mdoc.text(each.comment)))
    return lines + (mdoc.tagged(rows) if rows else [])


def member_head(declaration, member):
    if declaration.kind == "enum":
        name, _, number = member.code.partition(" = ")
        return f"Dv {name} No = {number}" if number else "Dv " + name
    return "Vt " + mdoc.quoted(member.code)


def paragraphs(parts):
    lines = []
    for part in parts:
        if part.kind == "paragraph":
            lines += [".Pp"] * bool(lines) + mdoc.text(part.rows[0][1])
        elif part.kind == "bullets":
            lines += mdoc.bullets(mdoc.text(body) for _, body in part.rows)
        else:
            lines += mdoc.tagged((term_head(term), mdoc.text(body)) for term, body in part.rows)
    return lines


def term_head(term):
    return "Bq Er " + term if term.startswith("TACIT_ERR") and " " not in term else "Sy " + term


def errors(header):
    """What each function answers, where its comment has it line by line."""
    lines = []
    for passage in header.passages:
        rows = [row for part in comments.parts(passage.comment) if part.kind == "outcomes" for row in part.rows]
        names = [each.name for each in passage.functions()]
        if rows and names:
            lines += [".Pp"] * bool(lines)
            lines += [f".Fn {each} ," for each in names[:-1]] + [f".Fn {names[-1]} :"]
            lines += mdoc.tagged((term_head(term), mdoc.text(body)) for term, body in rows)
    return [".Sh ERRORS", *lines] if lines else []


def overview(header, names, example):
    others = [each for each in names if each != "tacit"]
    rows = [(f"Xr {each} 3", mdoc.text(" ".join(comments.parts(names[each].about)[0].rows[0][1].split())))
            for each in others]
    with open(example, encoding="utf-8") as file:
        program = [mdoc.protect(line.replace("\\", "\\e")) if line else "" for line in file.read().split("\n")]
    return [".Sh NAME", ".Nm tacit", ".Nd " + summary(header),
            ".Sh SYNOPSIS", ".In tacit/tacit.h",
            ".Sh DESCRIPTION", *paragraphs(comments.parts(header.about)), *mdoc.tagged(rows),
            ".Sh EXAMPLES", ".Bd -literal", *program[:-1], ".Ed"]


def see_also(names):
    pages = ["tacit 1"] * ("tacit" not in names) + [each + " 3" for each in names]
    return [".Sh SEE ALSO", *[f".Xr {each} ," for each in pages[:-1]], ".Xr " + pages[-1]]


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
