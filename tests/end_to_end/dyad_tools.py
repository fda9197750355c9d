# SPDX-License-Identifier: Apache-2.0
"""How the end-to-end tests reach the built tools and run two parties on loopback."""
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("DYAD_BIN", ROOT / "build" / "release" / "bin"))
SHIPPED = ROOT / "examples" / "models"
WIDER = ROOT.parent / "shared" / "models"


def model_folder(name):
    """The shipped model, or the one of the wider set where that is present; None if neither is."""
    for base in (SHIPPED, WIDER):
        if (base / name / "model.onnx").exists():
            return base / name
    return None


def tool(name):
    return str(BIN / name)


def run(command, timeout=600, **options):
    """Runs a command to its end and returns it with its output as text."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=timeout, **options)


def must(command, timeout=600, **options):
    done = run(command, timeout, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}\nexit {done.returncode}\n{done.stderr[-3000:]}")
    return done


def optional_passes():
    """Names that --disable takes, from the refusal of one that is necessary."""
    done = run([tool("dyad-dump"), "none.onnx", "--disable", "lower-to-mpc"])
    named = re.search(r"'lower-to-mpc' is necessary; what can be left out: ([a-z0-9-]+(?:, [a-z0-9-]+)*)", done.stderr)
    if done.returncode != 2 or not named:
        raise RuntimeError(f"--disable lower-to-mpc: exit {done.returncode}\n{done.stderr}")
    return named.group(1).split(", ")


def tensors_of(path):
    """Names and bytes of a safetensors file's tensors; none where there is no file."""
    if not pathlib.Path(path).exists():
        return {}
    raw = pathlib.Path(path).read_bytes()
    size = 8 + int.from_bytes(raw[:8], "little")
    entries = {name: entry["data_offsets"] for name, entry in json.loads(raw[8:size]).items() if name != "__metadata__"}
    return {name: raw[size + begin:size + end] for name, (begin, end) in entries.items()}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command, **options):
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            **options)


def run_parties(folder, inputs, output=None, server_inputs=(), server_output=None, raw=True, timeout=900):
    """Runs both parties of a compiled program; returns (client statistics, server statistics)."""
    folder = pathlib.Path(folder)
    address = f"127.0.0.1:{free_port()}"
    stats = folder / "server-stats.json", folder / "client-stats.json"
    server = [folder / "server" / "server", "--listen", address, "--stats", stats[0]]
    client = [folder / "client" / "client", "--connect", address, "--stats", stats[1]]
    for command, given, result in ((server, server_inputs, server_output), (client, inputs, output)):
        for item in given:
            command += ["--input", item]
        for item in [] if result is None else result if isinstance(result, list) else [result]:
            command += ["--output", item]
        if result is not None and raw:
            command += ["--raw"]
    server = start(server)
    done = run(client, timeout)
    try:
        _, server_errors = server.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        server.kill()
        raise
    if done.returncode != 0 or server.returncode != 0:
        raise RuntimeError(f"client {done.returncode}: {done.stderr[-2000:]}\nserver {server.returncode}: {server_errors[-2000:]}")
    return json.loads(stats[1].read_text()), json.loads(stats[0].read_text())


def named_inputs(folder):
    """[(name, array of samples)] of a model folder, from its in_<k>_<name>.npy files."""
    files = sorted(pathlib.Path(folder).glob("in_*_*.npy"), key=lambda file: int(file.name.split("_")[1]))
    return [(file.stem.split("_", 2)[2], np.load(file)) for file in files]


class Checks:
    """Counts named checks, prints the failed ones, and ends the test with their number."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def expect(self, condition, what, detail=""):
        if condition:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what}\n{detail}", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed or not self.passed else 0)


def seconds_since(start_time):
    return time.monotonic() - start_time
