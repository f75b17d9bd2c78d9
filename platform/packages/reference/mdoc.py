"""Text as mdoc(7) has it."""

import re

MARKED = re.compile(r"([(\[\"]*)(?:(\w+)\(\)|((?:TACIT|STORE)?_[A-Z_*]+|NULL)(?![\w.]))(.*)")


def text(prose):
    """Lines of running text: a new one for each sentence; functions and constants are marked."""
    lines = [""]
    for word in prose.split():
        marked = MARKED.fullmatch(word)
        if marked:
            lines += [mark(*marked.groups()), ""]
        else:
            lines[-1] += (" " if lines[-1] else "") + word.replace("\\", "\\e")
            if re.search(r"[.?!][)\"]?$", word):
                lines.append("")
    return [protect(line) for line in lines if line]


def mark(opening, function, constant, rest):
    line = ("Pf " + opening.replace('"', "\\(dq") + " " if opening else "")
    line += "Fn " + function if function else "Dv " + constant
    if re.fullmatch(r"[.,:;?!)\]]*", rest):
        return MACRO + " ".join([line, *rest])
    return MACRO + line + " Ns \\&" + rest.replace('"', "\\(dq")


MACRO = "\0."  # a dot that is meant


def protect(line):
    """A line of text does not begin as one of a macro does."""
    if line.startswith(MACRO):
        return line[1:]
    return "\\&" + line if line[0] in ".'" else line


def quoted(argument):
    return '"' + argument.replace('"', '\\(dq') + '"'


def tagged(rows):
    """A list of (head, lines of text); a head is what follows .It"""
    lines = [".Bl -tag -width Ds"]
    for head, body in rows:
        lines += [".It " + head, *body]
    return lines + [".El"]


def bullets(bodies):
    lines = [".Bl -bullet"]
    for body in bodies:
        lines += [".It", *body]
    return lines + [".El"]
