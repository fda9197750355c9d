# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked of numbers, owners and protocols: what the parties compute equals `reference`, bit for bit."""
import json
import pathlib
import tempfile

import numpy as np

from dyad_tools import Checks, model_folder, must, optional_passes, run, run_parties, tool

checks = Checks()

NUMBERS_AND_PROTOCOLS = {
    "oblivious transfer": ["--linear", "ot"],
    "RLWE": ["--linear", "he"],
    "one scale and width": ["--scale", "12", "--bitwidth", "40"],
    "SoftSpoken": ["--ot", "softspoken"],
    "silent OT": ["--ot", "silent"],
    "strict ranges": ["--strict-ranges"],
    "a slow link": ["--network", "100Mbit,50ms"],
    "every pass that can be left out": ["--disable", ",".join(optional_passes())],
    "a declared range and more head-room": ["--input-range", "x=-4,4", "--headroom", "3"],
}
OWNERS = {
    "reveal to both": (["--reveal", "both"], "client", ("client", "server")),
    "reveal to the server": (["--reveal", "server"], "client", ("server",)),
    "the server's input": (["--owner", "x=server"], "server", ("client",)),
    "nothing for the client": (["--owner", "x=server", "--reveal", "server"], "server", ("server",)),
}


def main():
    source = model_folder("digits_lenet")
    images = np.load(source / "in_0_x.npy")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        np.save(folder / "calibration.npy", images[:32])
        np.save(folder / "x.npy", images[-3:])

        def compile_and_expect(name, flags):
            out = folder / name.replace(" ", "-")
            must([tool("dyadc"), source / "model.onnx", "-o", out, "--calibrate", folder / "calibration.npy", *flags])
            must([out / "reference/reference", "--input", folder / "x.npy", "--output", out / "expected.npy", "--raw"])
            return out, np.load(out / "expected.npy")

        for name, flags in NUMBERS_AND_PROTOCOLS.items():
            out, expected = compile_and_expect(name, flags)
            client, _ = run_parties(out, [f"x={folder / 'x.npy'}"], out / "got.npy")
            checks.expect(np.array_equal(np.load(out / "got.npy"), expected), f"{name}: equal")
            predicted = json.loads(must([tool("dyad-dump"), out, "--costs", "--json"]).stdout)["nodes"]
            measured = client["nodes"]
            same = len(predicted) == len(measured) and all(
                (p["bytes_to_server"], p["bytes_to_client"], p["flows"]) == (m["bytes_sent"], m["bytes_received"], m["flows"])
                for p, m in zip(predicted, measured))
            checks.expect(same, f"{name}: predicted costs are the measured ones")

        for name, (flags, owner, receivers) in OWNERS.items():
            out, expected = compile_and_expect(name, flags)
            inputs = {owner: [f"x={folder / 'x.npy'}"]}
            results = {party: out / f"{party}.npy" for party in receivers}
            run_parties(out, inputs.get("client", []), results.get("client"), inputs.get("server", []), results.get("server"))
            for party, file in results.items():
                checks.expect(np.array_equal(np.load(file), expected), f"{name}: the {party}'s output is equal")

        # --scale is for weights too, unless --weight-scale is there.
        for flags, uniform in ((["--scale", "11"], True), (["--scale", "11", "--weight-scale", "9"], False),
                               (["--scale", "11", "--weight-scale", "auto"], False)):
            must([tool("dyadc"), source / "model.onnx", "--emit", "fx", "-o", folder / "fx.mlir", "--calibrate", folder / "calibration.npy",
                  "--emit-config", folder / "chosen.json", *flags])
            scales = {node["weight_scale"] for node in json.loads((folder / "chosen.json").read_text())["nodes"].values() if "weight_scale" in node}
            checks.expect((scales == {11}) == uniform, f"scales of weights with {flags}", str(scales))

        # Fixed point beside floats: with few fraction bits a node departs, and is named.
        verify = [tool("dyad"), "verify", source / "model.onnx", "--input", folder / "x.npy", "--calibrate", folder / "calibration.npy"]
        done = run([*verify, "--json"])
        found = json.loads(done.stdout)
        names = [node["name"] for node in found["nodes"]]
        checks.expect(done.returncode == 0 and found["first"] is None and found["agreement"] == {"same": 3, "of": 3},
                      "dyad verify: automatic scales are near the floats", done.stderr)
        checks.expect(all(0 <= node["error"] <= 0.05 * node["largest"] for node in found["nodes"]) and "/c2/Conv" in names,
                      "dyad verify: errors of nodes", str(found["nodes"]))
        done = run([*verify, "--scale", "2"])
        checks.expect(done.returncode == 1 and "first to depart" in done.stdout and "/Conv" in done.stdout,
                      "dyad verify: two fraction bits are too few", done.stdout + done.stderr)

        # The summary command, on a folder that exists.
        done = run([tool("dyad"), "run", folder / "RLWE", "--input", folder / "x.npy", "--output", folder / "y.npy"])
        checks.expect(done.returncode == 0 and "online" in done.stdout, "dyad run of an output folder", done.stderr)
        stats = [folder / "client.json", folder / "server.json"]
        done = run([tool("dyad"), "run", folder / "RLWE", "--input", folder / "x.npy", "--output", folder / "y.npy", "--simulate",
                    "200Mbit,10ms", "--stats", stats[0], "--server-stats", stats[1]])
        checks.expect(done.returncode == 0 and "imitated link: 200 Mbit/s, 10 ms" in done.stdout and "server" in done.stdout,
                      "dyad run over an imitated link", done.stdout + done.stderr)
        client, server = (json.loads(file.read_text()) for file in stats)
        checks.expect(client["bytes_sent"] == server["bytes_received"], "both parties' statistics")
        checks.expect(client["seconds"] >= client["flows"] * 5e-3, "each flow takes half a round trip at least", client["seconds"])
    checks.finish()


if __name__ == "__main__":
    main()
