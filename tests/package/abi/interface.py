#!/usr/bin/env python3
"""Prints a library that is nothing but the interface: the functions of the headers, empty.

    interface.py PARSER_DIRECTORY HEADER...
"""

import sys

sys.path.insert(0, sys.argv[1])
import headers

for path in sys.argv[2:]:
    header = headers.read(path)
    print(f"#include <tacit/{header.name}>")
    for function in header.functions():
        print(function.code + " { __builtin_trap(); }")
