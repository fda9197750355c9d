# SPDX-License-Identifier: Apache-2.0
"""Whole networks: compiled, run in 2PC by `dyad run`, compared with `reference` bit for bit, and profiled."""
import json
import pathlib
import sys
import tempfile
import time

from . import tools

GENERATED = ["resnet50", "squeezenet1_1", "densenet121"]
TRAINED = {  # name: (calibration samples, further options)
    "digits_lenet": (32, []),
    "mnist8": (32, []),
    "acasxu_1_6": (32, []),
    "ad_autoencoder": (32, []),
    "cifar10_resnet20": (32, []),
    "vww_mobilenet_v1_025": (32, ["--logits"]),
}
RECURRENT = {  # with random weights, of published shapes: options of the generator
    "google30_fastgrnn": [],
    "lstm_32x64x128": ["--cell", "lstm"],
}
NAMES = GENERATED + list(TRAINED) + list(RECURRENT)
WIDER = tools.ROOT.parent / "shared" / "models"


def generate(name, arguments):
    """The folder of an ImageNet network with random weights, made by its generator where it is not there yet."""
    base = arguments.models or tools.ROOT / "build" / "models"
    folder = base / f"{name}_random"
    if (folder / "model.onnx").exists() and (folder / "in_0_x.npy").exists():
        return folder
    script = arguments.generator or WIDER / "scripts" / "gen_random_models.py"
    if not script.exists():
        raise tools.Skipped(f"no {folder}/model.onnx, and no generator at {script}; give --models or --generator")
    base.mkdir(parents=True, exist_ok=True)
    tools.run([sys.executable, script, base, name])
    return folder


def generate_recurrent(name, arguments):
    """The same for recurrent networks, whose generator is scripts/recurrent_model.py."""
    folder = (arguments.models or tools.ROOT / "build" / "models") / name
    if not (folder / "in_0_x.npy").exists():
        tools.run([sys.executable, tools.ROOT / "scripts" / "recurrent_model.py", folder, *RECURRENT[name]])
    return folder


def find(name, arguments):
    if name in GENERATED:
        return generate(name, arguments), 3, []
    if name in RECURRENT:
        return generate_recurrent(name, arguments), 32, []
    samples, options = TRAINED[name]
    for base in (tools.ROOT / "examples" / "models", WIDER):
        if (base / name / "model.onnx").exists():
            return base / name, samples, options
    raise tools.Skipped("the model is not shipped, and ../shared/models is not there")


def by_kind(nodes):
    """Figures of the nodes, summed by operation; side by side they are one row, 'relu + relu' among those of relu."""
    kinds = {}
    for node in nodes:
        op = " + ".join(dict.fromkeys(node["op"].split(" + ")))
        row = kinds.setdefault(op, {"nodes": 0, "bytes": 0, "flows": 0, "seconds": 0.0, "cots": 0})
        row["nodes"] += 1
        row["bytes"] += node["bytes_sent"] + node["bytes_received"]
        for figure in ("flows", "seconds", "cots"):
            row[figure] += node[figure]
    return kinds


def measure(name, link, arguments):
    """One row: two parties on one sample that the ranges were not taken from."""
    import numpy as np

    folder, samples, options = find(name, arguments)
    source = next(folder.glob("in_0_*.npy"))
    inputs = np.load(source)
    with tempfile.TemporaryDirectory(prefix="dyad-bench-") as temporary:
        temporary = pathlib.Path(temporary)
        np.save(temporary / "calibration.npy", inputs[:samples])
        np.save(temporary / "x.npy", inputs[-1])
        begin = time.monotonic()
        options = ["--scale", arguments.scale, "--weight-scale", arguments.scale, "--calibrate", temporary / "calibration.npy",
                   *options] + (["--network", link] if link else [])
        tools.run([tools.tool("dyadc"), folder / "model.onnx", "-o", temporary / "out", *options])
        compile_seconds = time.monotonic() - begin
        run = [tools.tool("dyad"), "run", temporary / "out", "--input", temporary / "x.npy", "--output", temporary / "got.npy",
               "--raw", "--stats", temporary / "client.json", "--server-stats", temporary / "server.json"]
        run += ["--simulate", link] if link else []
        run += ["--threads", arguments.threads] if arguments.threads != 1 else []
        tools.run(run)
        tools.run([temporary / "out" / "reference" / "reference", "--input", temporary / "x.npy", "--output",
                   temporary / "expected.npy", "--raw"])
        client = json.loads((temporary / "client.json").read_text())
        server = json.loads((temporary / "server.json").read_text())
        if not np.array_equal(np.load(temporary / "got.npy"), np.load(temporary / "expected.npy")):
            raise tools.Failed(f"{name}: the client's output is not that of reference")
    phases = {phase: {"bytes": row["bytes_sent"] + row["bytes_received"], "flows": row["flows"], "seconds": row["seconds"]}
              for phase, row in client["phases"].items() if phase in ("setup", "stock", "online")}
    return {
        "name": name, "kind": "network", "bytes": client["bytes_sent"] + client["bytes_received"],
        "bytes_to_server": client["bytes_sent"], "bytes_to_client": client["bytes_received"], "flows": client["flows"],
        "seconds": client["seconds"], "peak_rss": max(client["peak_rss"], server["peak_rss"]),
        "peak_rss_server": server["peak_rss"], "peak_rss_client": client["peak_rss"], "equals_reference": True,
        "compile_seconds": compile_seconds, "scale": arguments.scale, "phases": phases, "kinds": by_kind(client["nodes"]),
        "network": link or "loopback", "threads": arguments.threads,
    }
