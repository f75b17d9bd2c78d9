# What of a report of abidiff (--leaf-changes-only) breaks programs. One thing does not: a struct that
# begins with struct_size grows at its end, beyond which the library reads and writes nothing.
function number_behind(word) {
    match($0, word " [0-9]+")
    return substr($0, RSTART + length(word) + 1, RLENGTH - length(word) - 1) + 0
}
/^$/ || /^(Leaf changes|Changed leaf types|Removed\/Changed\/Added [a-z]+) summary: / { next }
/^'/ {
    heading = $0
    size = 0
    grows = /^'struct tacit_(clock|event|part|request|[a-z_]+_(ops|options|stats)) at /
    next
}
grows && /^  type size changed from/ && number_behind("to") > number_behind("from") {
    size = number_behind("from")
    next
}
size && /^  [0-9]+ data member insertions?:$/ { next }
size && /^    '.*', at offset [0-9]+ / && number_behind("offset") >= size { next }
{
    if (heading != "") print heading
    heading = ""
    print
}
