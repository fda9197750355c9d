# SPDX-License-Identifier: Apache-2.0
"""Widths and channels of a trained model, on digits_lenet.

  - factors of channels are chosen, emitted, and with the emitted file the program is the same without samples deciding;
  - without factors, the same accuracy needs no fewer bytes;
  - with odd widths from a configuration, 2PC equals `reference` bit for bit;
  - a width that is known to overflow is refused with the node's name.
"""
import json
import pathlib
import tempfile

import numpy as np

from dyad_tools import Checks, model_folder, must, named_inputs, run, run_parties, tool

CALIBRATION = 16


def reference(folder, inputs, output):
    must([folder / "reference/reference", "--input", inputs, "--output", output, "--raw"])
    return np.load(output)


def bytes_of(folder):
    nodes = json.loads(must([tool("dyad-dump"), folder, "--costs", "--json"]).stdout)["nodes"]
    return sum(node["bytes_to_server"] + node["bytes_to_client"] for node in nodes)


def main():
    checks = Checks()
    folder = model_folder("digits_lenet")
    (name, samples), = named_inputs(folder)
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        np.save(temporary / "calibration.npy", samples[:CALIBRATION])
        np.save(temporary / "some.npy", samples[-20:])

        def compile_model(to, *options):
            return run([tool("dyadc"), folder / "model.onnx", "-o", temporary / to, "--calibrate",
                        f"{name}={temporary / 'calibration.npy'}", *options])

        def compiled(to, *options):
            done = compile_model(to, *options)
            if done.returncode != 0:
                raise RuntimeError(done.stderr)
            return temporary / to

        def config(file, content):
            (temporary / file).write_text(json.dumps(content))
            return temporary / file

        first = compiled("first", "--emit-config", temporary / "chosen.json")
        chosen = json.loads((temporary / "chosen.json").read_text())
        shifts = {node: numbers["channel_shifts"] for node, numbers in chosen["nodes"].items() if "channel_shifts" in numbers}
        checks.expect(any(any(list) for list in shifts.values()), "channels are scaled", chosen)
        again = compiled("again", "--config", temporary / "chosen.json")
        expected = reference(first, temporary / "some.npy", temporary / "first.npy")
        got = reference(again, temporary / "some.npy", temporary / "again.npy")
        checks.expect(np.array_equal(expected, got), "the emitted configuration gives the same integers", f"{expected}\n{got}")

        # Bits, not the choice between protocols, are compared.
        one_protocol = ["--linear", "he"]
        scaled = compiled("scaled", *one_protocol)
        plain = compiled("plain", *one_protocol, "--config", config("none.json", {"defaults": {"channel_shifts": []}}))
        checks.expect(bytes_of(scaled) <= bytes_of(plain), "scaled channels send no more", f"{bytes_of(scaled)} {bytes_of(plain)}")

        # Every width odd, and no two neighbours the same.
        for index, numbers in enumerate(chosen["nodes"].values()):
            for key in ("bitwidth", "accumulator_bitwidth", "weight_bitwidth"):
                if key in numbers:
                    numbers[key] += 2 * (index % 3) + 1 - numbers[key] % 2
        odd = compiled("odd", "--config", config("odd.json", chosen))
        np.save(temporary / "two.npy", samples[-2:])
        expected = reference(odd, temporary / "two.npy", temporary / "odd.npy")
        run_parties(odd, [f"{name}={temporary / 'two.npy'}"], temporary / "parties.npy")
        got = np.load(temporary / "parties.npy")
        checks.expect(np.array_equal(expected, got), "odd widths: 2PC equals reference", f"{expected}\n{got}")

        node = next(iter(shifts))
        chosen["nodes"][node]["accumulator_bitwidth"] = 9
        refused = compile_model("refused", "--config", config("refused.json", chosen))
        checks.expect(refused.returncode != 0 and f"'{node}'" in refused.stderr and "bits" in refused.stderr,
                      "a width that overflows is refused by name", refused.stderr)
    checks.finish()


if __name__ == "__main__":
    main()
