#!/usr/bin/python3
"""dump_hive.py HIVE: every key and value of a hive, a line each: path, name, type, bytes. Read by the host's own hivex.

Fails where the base block's sequence numbers differ or its checksum is wrong.
"""
import struct
import sys

import hivex

with open(sys.argv[1], "rb") as file:
    header = file.read(512)
checksum = 0
for (word,) in struct.iter_unpack("<I", header[:508]):
    checksum ^= word
if header[:4] != b"regf" or header[4:8] != header[8:12] or struct.unpack_from("<I", header, 508)[0] != checksum:
    sys.exit("the base block is not that of a clean hive")
hive = hivex.Hivex(sys.argv[1])


def dump(node, path):
    print(path)
    lines = []
    for value in hive.node_values(node):
        kind, data = hive.value_value(value)
        lines.append(f"{path} : {hive.value_key(value)} : {kind} : {data.hex()}")
    for line in sorted(lines):
        print(line)
    for child in sorted(hive.node_children(node), key=hive.node_name):
        dump(child, path + "\\" + hive.node_name(child))


dump(hive.root(), "")
