#!/usr/bin/env python3
"""Doxygen's INPUT_FILTER: prints a header with its comments as Doxygen wants them, each C header as a group.

    doxygen.py HEADER

A type, a member or a constant without a comment has a name that says it all; a function of C without one is what
Doxygen warns of. Those of C++ are described in C.
"""

import re
import sys

import comments
import headers

SAYS_IT_ALL = "&zwj;"  # no text, but documented


def main(path):
    if path.endswith(".hpp"):
        with open(path, encoding="utf-8") as file:
            print(cxx(file.read()))
    else:
        group(path)


def cxx(text):
    """C++ as it is, but for comments before a declaration or behind one; "/* ---" is a caption within a class."""
    def replaced(match):
        before, comment = match.groups()
        return before + ("/**<" if before.strip() else "/**") + escaped(comment) + "*/"
    return re.sub(r"((?:^|[;{},]) *)/\*(?! -)(.*?)\*/", replaced, text, flags=re.M | re.S)


def group(path):
    header = headers.read(path)
    name = header.name.removesuffix(".h")
    if name == "tacit":
        print(documented("@mainpage\n", header.about))
        return
    print(documented(f"@file\n@ingroup {name}\n", header.about))
    general = [each.comment for each in header.passages if not each.declarations]
    print(documented(f"@defgroup {name} {header.name}\n", header.about, *general), "/** @{ */", sep="\n")
    print(f"#include <tacit/{header.name}>")
    for passage in header.passages:
        for declaration in passage.declarations:
            print(written(declaration, passage.comment))
    print("/** @} */")


def written(declaration, comment):
    silent = declaration.kind != "function"
    lines = [documented("", comment, declaration.note, silent=silent)]
    if declaration.members:
        end = ";" if declaration.kind == "struct" else ","
        lines += ["typedef " + declaration.code + " {"]
        for member in declaration.members:
            words = documented("", member.caption and member.caption + ":", member.comment, silent=True)
            lines += [words + each + end for each in one_by_one(member.code)]
        lines += ["} " + declaration.name + ";"]
    elif declaration.kind == "macro":
        lines += ["#define " + declaration.code]
    else:
        lines += [("" if declaration.kind == "function" else "typedef ") + declaration.code + ";"]
    return "\n".join(line for line in lines if line)


def one_by_one(code):
    """Doxygen takes the comment of "int a, b" for a alone."""
    several = re.fullmatch(r"((?:const )?\w+ )([*\w]+(?:, [*\w]+)+)", code)
    return [several.group(1) + each for each in several.group(2).split(", ")] if several else [code]


def documented(command, *texts, silent=False):
    body = [rendered(part) for text in texts for part in comments.parts(text)] or [SAYS_IT_ALL] * silent
    return "/** " + command + "\n\n".join(body) + " */" if body else ""


def rendered(part):
    if part.kind == "paragraph":
        return escaped(part.rows[0][1])
    if part.kind == "bullets":
        return "\n".join("- " + escaped(text) for _, text in part.rows)
    return "<dl>" + "".join(f"<dt>{escaped(term)}</dt><dd>{escaped(text)}</dd>" for term, text in part.rows) + "</dl>"


def escaped(text):
    return re.sub(r"([\\@<>&#%]|::)", r"\\\1", text)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
