# SPDX-License-Identifier: Apache-2.0
"""benchmarks/run on the smallest primitives: the form of its JSON, and that what it counted is what the formulas say.

usage: smoke_test.py (with DYAD_BIN naming the folder of the built programs)
"""
import json
import pathlib
import subprocess
import sys
import tempfile

RUN = pathlib.Path(__file__).resolve().parent / "run"
N = 64
HEADER = 8  # bytes in front of each frame
COT_BITS = 8 * (1900 * 13 * 16 + HEADER) / (1900 * 2**13 - 2**19 - 1900 * 13)  # a round of the largest set of silent OT
FIELDS = {"name", "kind", "bits", "n", "bits_per_element", "flows", "cots", "ns_per_element", "network", "threads", "machine",
          "commit"}
# By hand: choices of one bit, then payloads of the ring without the bit that the choice fixes, or of the whole ring both ways.
BYTES = {"b2a": N // 8 + 31 * N // 8 + 2 * HEADER, "mux": 2 * (N // 8 + 32 * N // 8 + 2 * HEADER)}
COTS = {"b2a": N, "mux": 2 * N}


def main():
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "rows.json"
        command = [sys.executable, RUN, "b2a/32", "mux/32", "drelu/32", "--elements", str(N), "--seconds", "0", "--simulate",
                   "none", "--simulate", "1Gbit,1ms", "--json", output, "--plots", folder, "--markdown", folder + "/tables.md"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        rows = json.loads(output.read_text())
        assert "| b2a " in (pathlib.Path(folder) / "tables.md").read_text()
    assert [(row["name"], row["network"]) for row in rows] == [
        (name, network) for network in ("loopback", "1Gbit,1ms") for name in ("drelu", "b2a", "mux")], rows
    for row in rows:
        assert FIELDS <= row.keys(), row
        assert row["kind"] == "primitive" and row["bits"] == 32 and row["n"] == N, row
        assert row["ns_per_element"] > 0 and row["flows"] == row["predicted_flows"], row
        sent = row["bytes_to_server"] + row["bytes_to_client"]
        assert sent == row["predicted_bytes"] == BYTES.get(row["name"], sent), row
        assert row["cots"] == row["predicted_cots"] == COTS.get(row["name"], row["cots"]), row
        assert abs(row["bits_per_element"] - (8 * sent + COT_BITS * row["cots"]) / N) < 1e-6, row
    unknown = subprocess.run([sys.executable, RUN, "no-such-thing"], capture_output=True, text=True, timeout=60)
    assert unknown.returncode == 2 and "no-such-thing" in unknown.stderr, unknown.stderr
    print("3 primitives over 2 networks: structure, bytes, COTs and bits as expected")


if __name__ == "__main__":
    main()
