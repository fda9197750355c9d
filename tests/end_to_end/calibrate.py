# SPDX-License-Identifier: Apache-2.0
"""`dyad calibrate` in its quick mode, over loopback and over an imitated link, and what reads its files: --machine and
--network. Bad files are refused with a message and exit status 1.

usage: calibrate.py (with DYAD_BIN naming the folder of the built tools)
"""
import json
import pathlib
import socket
import subprocess
import sys
import tempfile

from dyad_tools import model_folder, must, run, tool

FIELDS = 18


def costs(model, options):
    done = must([tool("dyad-dump"), model, "--costs", "--json", *options])
    return json.loads(done.stdout)


def check_bad(model, folder):
    bad = {
        "not JSON": ("{", "is not a JSON object"),
        "another version": ('{"version": 99}', '"version": 1'),
        "an unknown key": ('{"version": 1, "speed": 3}', "'speed' is no key"),
        "an unknown constant": ('{"version": 1, "picoseconds": {"bytes": 3}}', "'picoseconds.bytes' is no key"),
        "a fraction": ('{"version": 1, "picoseconds": {"byte": 0.5}}', "'picoseconds.byte' should be a whole number"),
        "a link of nothing": ('{"version": 1, "link": {"bits_per_second": 0, "round_trip_seconds": 0}}',
                              "'link.bits_per_second' should be"),
        "half a link": ('{"version": 1, "link": {"bits_per_second": 1e6}}', "'link.round_trip_seconds' should be a number"),
    }
    file = folder / "bad.json"
    for what, (text, message) in bad.items():
        file.write_text(text)
        for option in ("--machine", "--network"):
            done = run([tool("dyad-dump"), model, "--costs", option, file])
            assert done.returncode == 1 and message in done.stderr, (what, option, done.returncode, done.stderr)
    file.write_text('{"version": 1}')
    done = run([tool("dyad-dump"), model, "--costs", "--network", file])
    assert done.returncode == 1 and "has no measured link" in done.stderr, done.stderr
    done = run([tool("dyadc"), model, "-o", folder / "none", "--machine", folder / "absent.json"])
    assert done.returncode == 1 and "cannot be read" in done.stderr, done.stderr


def check_two_sides(folder):
    """Two parties that find each other by address, as two machines do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [tool("dyad"), "calibrate", "--quick"]
    server = subprocess.Popen([*command, "--listen", address, "-o", str(folder / "server.json")], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        must([*command, "--connect", address, "-o", folder / "client.json"])
        assert server.wait(timeout=60) == 0
    finally:
        server.kill()
    links = [json.loads((folder / f"{side}.json").read_text())["link"]["round_trip_seconds"] for side in ("server", "client")]
    assert max(links) < 0.1, links


def main():
    model = model_folder("digits_lenet") / "model.onnx"
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        file = folder / "machine.json"
        done = must([tool("dyad"), "calibrate", "--quick", "--network", "200Mbit,8ms", "-o", file])
        assert "link: " in done.stdout and "[" in done.stderr, done
        profile = json.loads(file.read_text())
        assert profile["version"] == 1 and len(profile["picoseconds"]) == FIELDS, profile
        assert all(isinstance(value, int) for value in profile["picoseconds"].values()), profile
        assert min(profile["picoseconds"][key] for key in ("setup", "flow", "softspoken_cot", "silent_cot")) > 0, profile
        # No faster than the link that was imitated; slower where the machine is busy.
        link = profile["link"]
        assert link["bits_per_second"] < 220e6 and 0.0079 < link["round_trip_seconds"] < 0.2, link

        usual = costs(model, [])
        same = costs(model, ["--machine", file])
        assert [phase["name"] for phase in same["phases"]] == ["setup", "stock", "online"]
        slow = json.loads(file.read_text())
        slow["picoseconds"]["setup"] = 5 * 10**12
        file.write_text(json.dumps(slow))
        measured = costs(model, ["--machine", file, "--network", file])
        assert measured["phases"][0]["seconds"] > 5 > usual["phases"][0]["seconds"], measured["phases"]
        assert measured["phases"][2]["seconds"] > usual["phases"][2]["seconds"], measured["phases"]
        # What was measured just now may decide otherwise on a busy machine: a link of given numbers, and the built-in constants.
        narrow = folder / "narrow.json"
        narrow.write_text(json.dumps({"version": 1, "link": {"bits_per_second": 1e6, "round_trip_seconds": 0.0003}}))
        fewer = costs(model, ["--network", narrow])
        assert fewer["phases"][2]["bytes"] < usual["phases"][2]["bytes"], "a slower link is worth fewer bytes"

        must([tool("dyadc"), model, "-o", folder / "out", "--machine", file, "--network", file])
        compiled = json.loads(must([tool("dyad-dump"), folder / "out", "--costs", "--json"]).stdout)
        assert compiled == measured, "the constants travel with the module"
        check_bad(model, folder)
        check_two_sides(folder)
    for options in (["--network", "dsl"], ["--listen", "127.0.0.1:1", "--connect", "127.0.0.1:1"]):
        assert run([tool("dyad"), "calibrate", *options]).returncode == 2, options
    print("a profile measured, read back, carried by a program, and nine bad ones refused")


if __name__ == "__main__":
    sys.exit(main())
