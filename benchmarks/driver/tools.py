# SPDX-License-Identifier: Apache-2.0
"""The built programs that measure, and the machine they run on."""
import json
import os
import pathlib
import platform
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("DYAD_BIN", ROOT / "build" / "release" / "bin"))


class Failed(Exception):
    """A measurement that could not be made, or whose result was wrong."""


class Skipped(Exception):
    """A measurement for which something optional is absent."""


def run(command, timeout=3600):
    """Runs a program to its end and returns its output; Failed with its last words otherwise."""
    command = [str(part) for part in command]
    if not pathlib.Path(command[0]).exists():
        raise Failed(f"{command[0]} is not there; build first: scripts/build")
    # A group of its own: whatever it starts ends with it.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        output, errors = process.communicate(timeout=timeout)
    except BaseException as reason:  # Ctrl-C and time limits
        try:
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        if isinstance(reason, subprocess.TimeoutExpired):
            raise Failed(f"{' '.join(command)}\ndid not end within {timeout} s") from None
        raise
    if process.returncode != 0:
        raise Failed(f"{' '.join(command)}\nexit status {process.returncode}\n{errors[-2000:]}")
    return output


def tool(name):
    return BIN / name


def bench(arguments):
    """One answer of dyad-bench."""
    return json.loads(run([tool("dyad-bench"), *arguments]))


def machine():
    """What results depend on: {"machine": text, "commit": text}."""
    model, flags = platform.processor() or platform.machine(), ""
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
            if line.startswith("flags"):
                flags = line
    except OSError:
        pass
    known = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512ifma": "IFMA", "vaes": "VAES"}
    features = ", ".join(name for flag, name in known.items() if flag in flags.split())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return {
        "machine": f"{model} ({features}), {os.cpu_count()} cores shared by both parties, {memory:.0f} GiB",
        "commit": commit.stdout.strip() or "unknown",
    }
