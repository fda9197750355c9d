# SPDX-License-Identifier: Apache-2.0
"""Compiles real trained models, runs both parties over TCP, and prints one table.

Checked for each model, with ranges calibrated on its first samples and with none given at all:
  - what the client receives equals `reference`, bit for bit;
  - bytes and flows that `dyad-dump --costs` predicts equal the statistics of the run, node by node;
  - `reference` on the samples that were not used to calibrate: accuracy within half a point of the float
    model's, arg-max (or arg-min) agreement of at least 99 %, or for an autoencoder an error that is small beside
    the signal.

usage: models.py [--model NAME]... [--parties N] [--json FILE]
"""
import argparse
import json
import pathlib
import tempfile
import time

import numpy as np

from dyad_tools import Checks, model_folder, must, named_inputs, run_parties, tool

CALIBRATION = 32  # samples; the others are scored
MODELS = {
    # name: (metric, further options of dyadc, samples in 2PC)
    "digits_lenet": ("argmax", [], 5),
    "mnist8": ("argmax", [], 2),
    "acasxu_1_6": ("argmin", [], 3),
    "ad_autoencoder": ("reconstruction", [], 2),
    "cifar10_resnet20": ("argmax", [], 1),
    "vww_mobilenet_v1_025": ("argmax", ["--outputs", "LOGITS"], 1),
}


def logits_tensor(model):
    """The tensor that the model's final Softmax is applied to."""
    import onnx

    graph = onnx.load(str(model)).graph
    return next(node.input[0] for node in graph.node if node.op_type == "Softmax")


def float_outputs(folder, outputs):
    """Float outputs for all samples: saved ones, or those of ONNX Runtime for an inner tensor."""
    if not outputs:
        return np.load(next(folder.glob("out_0_*.npy")))
    import onnx
    import onnxruntime

    model = onnx.load(str(folder / "model.onnx"))
    model.graph.output.append(onnx.ValueInfoProto(name=outputs))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (name, samples), = named_inputs(folder)
    return np.stack([session.run([outputs], {name: sample})[0] for sample in samples])


def score(metric, fixed, floating, labels):
    """(accuracy or error of float, of fixed, agreement) of flattened outputs."""
    fixed = fixed.reshape(len(fixed), -1)
    floating = floating.reshape(len(floating), -1)
    if metric == "reconstruction":
        error = float(np.mean((fixed - floating) ** 2))
        signal = float(np.mean(floating**2))
        return 0.0, error / signal, 1.0 if error <= 1e-4 * signal else 0.0
    pick = np.argmax if metric == "argmax" else np.argmin
    ours, theirs = pick(fixed, axis=1), pick(floating, axis=1)
    truth = theirs if labels is None else labels
    return float(np.mean(theirs == truth)), float(np.mean(ours == truth)), float(np.mean(ours == theirs))


def costs_match(predicted, stats, checks, label):
    """Predicted and measured bytes and flows, node by node and in total."""
    rows = predicted["nodes"]
    measured = stats["nodes"]
    checks.expect(len(rows) == len(measured), f"{label}: as many nodes predicted as measured",
                  f"{len(rows)} and {len(measured)}")
    for row, node in zip(rows, measured):
        same = (row["name"] == node["name"] and row["op"] == node["op"] and row["flows"] == node["flows"]
                and row["bytes_to_server"] == node["bytes_sent"] and row["bytes_to_client"] == node["bytes_received"])
        if not same:
            checks.expect(False, f"{label}: costs of node {row['name']}", f"predicted {row}\nmeasured {node}")
            return
    checks.expect(True, "costs")


def evaluate(name, calibrated, parties, checks):
    metric, options, samples = MODELS[name]
    folder = model_folder(name)
    (input_name, inputs), = named_inputs(folder)
    outputs = ""
    if options:
        outputs = logits_tensor(folder / "model.onnx")
        options = ["--outputs", outputs]
    label = f"{name} {'calibrated' if calibrated else 'without samples'}"
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        np.save(temporary / "calibration.npy", inputs[:CALIBRATION])
        command = [tool("dyadc"), folder / "model.onnx", "-o", temporary / "out", *options]
        if calibrated:
            command += ["--calibrate", f"{input_name}={temporary / 'calibration.npy'}"]
        begin = time.monotonic()
        compiled = must(command)
        compile_seconds = time.monotonic() - begin
        if not calibrated:
            checks.expect("warning" in compiled.stderr, f"{label}: a loud warning", compiled.stderr)

        np.save(temporary / "all.npy", inputs)
        must([temporary / "out/reference/reference", "--input", temporary / "all.npy", "--output", temporary / "all-out.npy"])
        fixed = np.load(temporary / "all-out.npy")
        floating = float_outputs(folder, outputs)
        labels = np.load(folder / "labels.npy").reshape(-1) if (folder / "labels.npy").exists() else None
        held_out = slice(CALIBRATION if calibrated else 0, None)
        float_score, fixed_score, agreement = score(metric, fixed[held_out], floating[held_out],
                                                    None if labels is None else labels[held_out])
        if metric != "reconstruction":
            checks.expect(abs(float_score - fixed_score) <= 0.005, f"{label}: accuracy within half a point",
                          f"float {float_score}, fixed {fixed_score}")
        checks.expect(agreement >= 0.99, f"{label}: agreement with float of at least 99 %", f"{agreement} {fixed_score}")

        samples = parties if parties is not None else samples
        np.save(temporary / "some.npy", inputs[-samples:])
        must([temporary / "out/reference/reference", "--input", temporary / "some.npy", "--output", temporary / "expected.npy", "--raw"])
        client, _ = run_parties(temporary / "out", [f"{input_name}={temporary / 'some.npy'}"], temporary / "got.npy")
        expected, got = np.load(temporary / "expected.npy"), np.load(temporary / "got.npy")
        equal = got.dtype == expected.dtype and np.array_equal(got, expected)
        checks.expect(equal, f"{label}: the client's output equals reference bit for bit", f"{got}\n{expected}")
        predicted = json.loads(must([tool("dyad-dump"), temporary / "out", "--costs", "--json"]).stdout)
        costs_match(predicted, client, checks, label)
    online = client["phases"]["online"]
    return {
        "model": name, "calibrated": calibrated, "metric": metric, "float": float_score, "fixed": fixed_score,
        "agreement": agreement, "equal": bool(equal), "samples": samples, "compile_seconds": compile_seconds,
        "seconds_per_sample": (online["seconds"] + client["phases"]["stock"]["seconds"]) / samples,
        "bytes_per_sample": (online["bytes_sent"] + online["bytes_received"]) / samples,
        "bytes": client["bytes_sent"] + client["bytes_received"], "flows_per_sample": online["flows"] / samples,
    }


def print_table(rows):
    print(f"{'model':24} {'ranges':10} {'float':>7} {'fixed':>8} {'agree':>7} {'2PC=ref':>8} {'s/sample':>9} {'MB/sample':>10} {'flows':>6} {'compile':>8}")
    for row in rows:
        fixed = f"{row['fixed']:.1e}" if row["metric"] == "reconstruction" else f"{100 * row['fixed']:.1f}%"
        floating = "mse/sig" if row["metric"] == "reconstruction" else f"{100 * row['float']:.1f}%"
        agreement = "" if row["metric"] == "reconstruction" else f"{100 * row['agreement']:.1f}%"
        print(f"{row['model']:24} {'samples' if row['calibrated'] else 'default':10} {floating:>7} {fixed:>8} {agreement:>7} "
              f"{'equal' if row['equal'] else 'DIFFER':>8} {row['seconds_per_sample']:9.2f} {row['bytes_per_sample'] / 1e6:10.2f} "
              f"{row['flows_per_sample']:6.0f} {row['compile_seconds']:7.1f}s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", action="append", choices=sorted(MODELS))
    parser.add_argument("--ranges", choices=["both", "samples", "default"], default="both")
    parser.add_argument("--parties", type=int)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    checks, rows = Checks(), []
    for name in arguments.model or MODELS:
        if model_folder(name) is None:
            print(f"{name}: not present, left out")
            continue
        for calibrated in (True, False):
            if arguments.ranges != "both" and calibrated != (arguments.ranges == "samples"):
                continue
            try:
                rows.append(evaluate(name, calibrated, arguments.parties, checks))
                print_table(rows[-1:])
            except RuntimeError as error:
                checks.expect(False, f"{name} runs", str(error))
    print()
    print_table(rows)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(rows, indent=1))
    checks.finish()


if __name__ == "__main__":
    main()
