# SPDX-License-Identifier: Apache-2.0
"""Searches for scales under a goal, on digits_lenet and ad_autoencoder.

  - a search makes the program smaller than one precision for all does, and decides as the float model on samples it did not see;
  - its configuration, fed back, gives the same program, and can be edited;
  - a search that is repeated takes what its file has, and an interrupted one goes on;
  - an error goal is kept; what cannot be reached, or does not go together, is refused with a message.
"""
import json
import pathlib
import tempfile

import numpy as np

from dyad_tools import Checks, model_folder, must, named_inputs, run, run_parties, tool

CALIBRATION = 100


def main():
    checks = Checks()
    folder = model_folder("digits_lenet")
    (name, samples), = named_inputs(folder)
    floats = np.load(next(iter(folder.glob("out_0_*.npy"))))
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        np.save(temporary / "calibration.npy", samples[:CALIBRATION])
        np.save(temporary / "unseen.npy", samples[CALIBRATION:])
        calibrate = ["--calibrate", f"{name}={temporary / 'calibration.npy'}"]

        def compile_model(to, *options, model=folder / "model.onnx"):
            return run([tool("dyadc"), model, "-o", temporary / to, *options])

        def size_of(to):
            phases = json.loads(must([tool("dyad-dump"), temporary / to, "--costs", "--json"]).stdout)["phases"]
            return sum(phase["bytes"] for phase in phases)

        goal = ["--max-accuracy-loss", "0.5", "--search-file", temporary / "search.json"]
        done = compile_model("searched", *calibrate, *goal, "--emit-config", temporary / "found.json")
        checks.expect(done.returncode == 0 and "search: " in done.stderr, "a search says what it found", done.stderr)
        must([tool("dyadc"), folder / "model.onnx", "-o", temporary / "plain", *calibrate])
        checks.expect(size_of("searched") < 0.95 * size_of("plain"), "the search saves bytes",
                      f"{size_of('searched')} {size_of('plain')}")
        reference = temporary / "searched/reference/reference"
        must([reference, "--input", temporary / "unseen.npy", "--output", temporary / "y.npy"])
        got = np.load(temporary / "y.npy")
        expected = floats[CALIBRATION:]
        agreement = np.mean(got.argmax(-1) == expected.argmax(-1))
        checks.expect(agreement >= 0.99, "samples that the search did not see are decided as by the model", agreement)
        np.save(temporary / "few.npy", samples[-3:])
        must([reference, "--input", temporary / "few.npy", "--output", temporary / "few_y.npy", "--raw"])
        run_parties(temporary / "searched", [temporary / "few.npy"], temporary / "2pc.npy")
        checks.expect(np.array_equal(np.load(temporary / "2pc.npy"), np.load(temporary / "few_y.npy")), "2PC equals reference", "other integers")

        found = json.loads((temporary / "found.json").read_text())
        scales = {node["weight_scale"] for node in found["nodes"].values() if "weight_scale" in node}
        checks.expect(len(scales) > 1, "weights have scales of their own", found)
        must([tool("dyadc"), folder / "model.onnx", "-o", temporary / "again", *calibrate, "--config", temporary / "found.json"])
        program = [(temporary / to / "program.mlir").read_text() for to in ("searched", "again")]
        checks.expect(program[0] == program[1], "the configuration gives the same program", "programs differ")
        gemm = found["nodes"]["/f2/Gemm"]
        gemm["weight_scale"] += 3
        (temporary / "edited.json").write_text(json.dumps(found))
        must([tool("dyadc"), folder / "model.onnx", "-o", temporary / "edited", *calibrate, "--config", temporary / "edited.json"])
        checks.expect((temporary / "edited/program.mlir").read_text() != program[0], "an edited configuration gives another", "same program")

        known = json.loads((temporary / "search.json").read_text())
        done = compile_model("repeated", *calibrate, *goal)
        checks.expect("known before" in done.stderr, "a second search remembers", done.stderr)
        checks.expect((temporary / "repeated/program.mlir").read_text() == program[0], "and finds the same", "programs differ")
        (temporary / "copy.json").write_text((temporary / "search.json").read_text())
        done = compile_model("other", *calibrate, *goal[:2], "--linear", "ot", "--search-file", temporary / "copy.json")
        checks.expect(done.returncode == 0 and "known before" not in done.stderr, "other protocols are another search", done.stderr)
        known["evaluations"] = known["evaluations"][: len(known["evaluations"]) // 2]
        (temporary / "search.json").write_text(json.dumps(known))
        compile_model("resumed", *calibrate, *goal)
        checks.expect((temporary / "resumed/program.mlir").read_text() == program[0], "half a search goes on to the same end", "programs differ")
        (temporary / "search.json").write_text("{ cut off")
        done = compile_model("damaged", *calibrate, *goal)
        checks.expect(done.returncode == 0 and "known before" not in done.stderr, "a damaged file is made anew", done.stderr)

        # Scores of which the errors count.
        other = model_folder("ad_autoencoder")
        (other_name, other_samples), = named_inputs(other)
        other_floats = np.load(next(iter(other.glob("out_0_*.npy"))))
        half = len(other_samples) // 2
        np.save(temporary / "other.npy", other_samples[:half])
        np.save(temporary / "other_unseen.npy", other_samples[half:])
        other_calibrate = ["--calibrate", f"{other_name}={temporary / 'other.npy'}"]
        done = compile_model("error", *other_calibrate, "--max-error", "0.02", model=other / "model.onnx")
        checks.expect(done.returncode == 0, "a goal on errors", done.stderr)
        must([temporary / "error/reference/reference", "--input", temporary / "other_unseen.npy", "--output", temporary / "other_y.npy"])
        difference = np.load(temporary / "other_y.npy").reshape(half, -1) - other_floats[half:].reshape(half, -1)
        error = np.sqrt(np.mean(difference**2)) / np.std(other_floats[half:])
        checks.expect(0.005 < error < 0.03, "is used, and kept on other samples", error)

        def refused(what, text, *options, model=folder / "model.onnx", status=1):
            done = compile_model("refused", *options, model=model)
            checks.expect(done.returncode == status and text in done.stderr, what, f"{done.returncode}: {done.stderr}")

        refused("a search needs samples", "--calibrate", "--min-agreement", "99")
        refused("and chooses scales itself", "leave out --scale", *calibrate, "--min-agreement", "99", "--scale", "12")
        refused("labels are for a search", "--labels", *calibrate, "--labels", temporary / "few.npy")
        np.save(temporary / "labels.npy", np.zeros(3, dtype=np.int64))
        refused("labels are one a sample", "3 labels for 100 samples", *calibrate, "--max-accuracy-loss", "1", "--labels", temporary / "labels.npy")
        refused("labels are whole numbers", "whole numbers", *calibrate, "--max-accuracy-loss", "1", "--labels", temporary / "few.npy")
        refused("a percentage is one", "0 to 100", *calibrate, "--min-agreement", "120", status=2)
        (temporary / "rough.json").write_text(json.dumps({"nodes": {"/c1/Conv": {"weight_scale": 1}}}))
        refused("a goal has to be possible beside what is given", "no scales reach", *calibrate, "--max-error", "0.01",
                "--config", temporary / "rough.json")
    checks.finish()


if __name__ == "__main__":
    main()
