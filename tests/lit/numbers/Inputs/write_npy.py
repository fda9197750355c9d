# SPDX-License-Identifier: Apache-2.0
"""Writes numbers as a float32 .npy file: write_npy.py FILE SHAPE NUMBER..., SHAPE as in 2x1x3."""
import struct
import sys

shape = tuple(int(size) for size in sys.argv[2].split("x"))
header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
header += " " * (-(len(header) + 11) % 64) + "\n"
with open(sys.argv[1], "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    file.write(struct.pack(f"<{len(sys.argv) - 3}f", *map(float, sys.argv[3:])))
