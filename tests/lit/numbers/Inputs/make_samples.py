# SPDX-License-Identifier: Apache-2.0
# Writes a .npy or (deflated) .npz file without NumPy, for the tests of passes that read samples:
# make_samples.py FILE[.npz] NAME DTYPE SHAPE VALUE... (SHAPE as 1x2; values repeat to fill it).
import struct
import sys
import zipfile

path, name, dtype, shape, *values = sys.argv[1:]
sizes = [int(size) for size in shape.split("x")]
count = 1
for size in sizes:
    count *= size
header = f"{{'descr': '<{dtype}', 'fortran_order': False, 'shape': ({''.join(f'{s}, ' for s in sizes)}), }}"
header += " " * (63 - (10 + len(header)) % 64) + "\n"
code = {"f4": "f", "f8": "d", "i2": "h"}[dtype]
data = [float(v) if code != "h" else int(v) for v in values]
data = (data * count)[:count]
array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
array += struct.pack(f"<{count}{code}", *data)
if path.endswith(".npz"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name + ".npy", array)
else:
    with open(path, "wb") as file:
        file.write(array)
