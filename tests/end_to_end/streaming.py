# SPDX-License-Identifier: Apache-2.0
"""States that stay shared between the windows of a connection: a sum whose values are known exactly, and voice activity detection against
ONNX Runtime, whose state is carried from window to window in floats.

The recording is of the wider set, where that stands beside the project.
"""
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from dyad_tools import Checks, free_port, model_folder, must, run, run_parties, start, tool

checks = Checks()
random = np.random.default_rng(7)
WINDOWS = 6
VAD_WINDOWS = 12
VAD_TOLERANCE = 0.01  # of a probability


def save_sum(path):
    """t = s + x; y = relu(t w): all numbers are multiples of 1/16, so that nothing is rounded."""
    w = numpy_helper.from_array(random.integers(-3, 4, (4, 3)).astype(np.float32), "w")
    nodes = [helper.make_node("Add", ["s", "x"], ["t"], name="sum"), helper.make_node("MatMul", ["t", "w"], ["p"], name="product"),
             helper.make_node("Relu", ["p"], ["y"], name="relu")]
    value = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    graph = helper.make_graph(nodes, "sum", [value("x", [1, 4]), value("s", [1, 4])], [value("y", [1, 3]), value("t", [1, 4])], [w])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return numpy_helper.to_array(w)


def expected_of(windows, w, first):
    sums = first + np.cumsum(windows, axis=0)
    return np.maximum(sums @ w, 0)


def stream(folder, data, *options):
    """Both parties, the client's windows from a pipe; (client process' result, its statistics)."""
    address = f"127.0.0.1:{free_port()}"
    server = start([folder / "server" / "server", "--listen", address])
    stats = folder / "stream-stats.json"
    client = subprocess.run([str(part) for part in (folder / "client" / "client", "--connect", address, "--stream", "--input", "-", "--stats",
                                                    stats, *options)], input=data, capture_output=True, timeout=300)
    _, errors = server.communicate(timeout=60)
    return client, server.returncode, errors, json.loads(stats.read_text()) if client.returncode == 0 else None


def exact_sum():
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        w = save_sum(temporary / "model.onnx")
        x = (random.integers(-16, 17, (WINDOWS, 1, 4)) / 16).astype(np.float32)
        np.save(temporary / "x.npy", x)
        expected = expected_of(x, w, 0)
        folder = temporary / "out"
        must([tool("dyadc"), temporary / "model.onnx", "-o", folder, "--state", "s=t", "--calibrate", temporary / "x.npy", "--scale", "4"])

        manifest = json.loads((folder / "manifest.json").read_text())
        checks.expect([entry["name"] for entry in manifest["inputs"]] == ["x"] and [entry["name"] for entry in manifest["outputs"]] == ["y"]
                      and [entry["name"] for entry in manifest["states"]] == ["s"], "the state is neither input nor output", manifest)
        checks.expect("mpc.set_state" in must([tool("dyad-dump"), folder]).stdout, "dyad-dump shows the state")
        must([folder / "reference" / "reference", "--input", temporary / "x.npy", "--output", temporary / "reference.npy"])
        checks.expect(np.array_equal(np.load(temporary / "reference.npy"), expected), "reference carries the state")
        # Two connections: each starts from zeros.
        address = f"127.0.0.1:{free_port()}"
        server = start([folder / "server" / "server", "--listen", address, "--sessions", "2"])
        for turn in ("first", "second"):
            must([folder / "client" / "client", "--connect", address, "--input", temporary / "x.npy", "--output", temporary / "y.npy"])
            checks.expect(np.array_equal(np.load(temporary / "y.npy"), expected), f"the {turn} connection starts from the initial value",
                          f"{np.load(temporary / 'y.npy')}\n{expected}")
        server.communicate(timeout=60)
        checks.expect(server.returncode == 0, "the server served both")

        client, status, errors, stats = stream(folder, x.tobytes(), "--output", "-", "--window-seconds", "0.5")
        got = np.frombuffer(client.stdout, np.float32)
        checks.expect(client.returncode == 0 and status == 0 and np.array_equal(got, expected.ravel()), "piped windows, piped outputs",
                      f"{client.stderr}\n{errors}\n{got}")
        figures = stats["stream"] if stats else {}
        online = sum(stats["phases"][phase][way] for phase in ("online", "stock") for way in ("bytes_sent", "bytes_received"))
        checks.expect(figures.get("windows") == WINDOWS and figures["bytes_per_window"] == online // WINDOWS
                      and abs(figures["real_time_factor"] - figures["seconds_per_window"] / 0.5) < 1e-9, "figures of the stream", figures)
        checks.expect(stats["phases"]["stream"]["bytes_sent"] == (WINDOWS + 1) * (8 + 4), "4 bytes say that a window follows", stats["phases"])

        client, _, errors, _ = stream(folder, x[:, :, :2].tobytes(), "--hop", "2", "--output", temporary / "hop.npy")
        halves = np.concatenate([np.zeros((1, 1, 2), np.float32), x[:, :, :2]])
        overlapping = np.concatenate([halves[:-1], halves[1:]], axis=2)
        checks.expect(client.returncode == 0 and np.array_equal(np.load(temporary / "hop.npy"), expected_of(overlapping, w, 0)),
                      "overlapping windows", f"{client.stderr}\n{errors}")

        client, _, _, _ = stream(folder, x[:2].tobytes() + b"\0\0\0", "--progress")
        lines = client.stdout.decode().splitlines()
        checks.expect(client.returncode == 1 and b"ended within window 2: 3 of 16 bytes" in client.stderr, "half a window is an error",
                      client.stderr)
        checks.expect(len(lines) == 2 and lines[1].startswith("window 1 (") and lines[1].split(" y: ")[1].split() ==
                      [f"{number:g}" for number in expected[1].ravel()], "outputs are printed as they come", lines)
        client, _, errors, _ = stream(folder, x[:1].tobytes() + np.full(4, 1e6, np.float32).tobytes())
        checks.expect(client.returncode == 1 and b"standard input, window 1): value 1000000" in client.stderr and "lost the client" in errors,
                      "a value out of range ends the stream", f"{client.stderr}\n{errors}")

        # A known number of windows, and an initial value.
        must([tool("dyadc"), temporary / "model.onnx", "-o", folder, "--state", "s=t", "--state-init", "s=2.5", "--calibrate",
              temporary / "x.npy", "--scale", "4"])
        done = must([tool("dyad"), "run", folder, "--input", temporary / "x.npy", "--output", temporary / "y.npy", "--stream",
                     "--window-seconds", "1"])
        checks.expect(np.array_equal(np.load(temporary / "y.npy"), expected_of(x, w, np.float32(2.5))), "--state-init", done.stderr)
        checks.expect("times real time" in done.stderr, "dyad run streams", done.stderr)

        wrong = run([tool("dyadc"), temporary / "model.onnx", "-o", folder, "--state", "sum=t", "--state", "s=y", "--state", "x=u",
                     "--state-init", "z=1", "--set", "x=0"])
        for part in ("--state names 'sum', which is no graph input", "'s' has shape 1x4, 'y' has 1x3",
                     "--state x=u names 'u', which is no tensor of the graph", "--set cannot name it too", "--state-init names 'z'"):
            checks.expect(wrong.returncode == 1 and part in wrong.stderr, f"message: {part}", wrong.stderr)


def voice_activity(name, options):
    model = model_folder(name)
    if not model:
        print(f"{name} is not here")
        return
    x = np.load(model / "in_0_input.npy")
    session = onnxruntime.InferenceSession(str(model / "model.onnx"), providers=["CPUExecutionProvider"])
    others = {entry.name: np.array(16000, np.int64) for entry in session.get_inputs() if entry.name == "sr"}
    state = np.zeros((2, 1, 128), np.float32)
    wanted = []
    for window in x[:VAD_WINDOWS]:
        probability, state = session.run(["output", "stateN"], {"input": window, "state": state, **others})
        wanted.append(probability)
    wanted = np.stack(wanted)
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        folder = temporary / "out"
        must([tool("dyadc"), model / "model.onnx", "-o", folder, "--state", "state=stateN", "--calibrate",
              f"input={model / 'in_0_input.npy'}", *options], timeout=900)
        np.save(temporary / "x.npy", x[:VAD_WINDOWS])
        must([folder / "reference" / "reference", "--raw", "--input", temporary / "x.npy", "--output", temporary / "raw.npy"])
        must([folder / "reference" / "reference", "--input", temporary / "x.npy", "--output", temporary / "float.npy"])
        client, _ = run_parties(folder, [temporary / "x.npy"], temporary / "got.npy")
        checks.expect(np.array_equal(np.load(temporary / "raw.npy"), np.load(temporary / "got.npy")),
                      f"{name}: both parties equal reference bit for bit over {VAD_WINDOWS} windows")
        error = np.abs(np.load(temporary / "float.npy") - wanted).max()
        checks.expect(error <= VAD_TOLERANCE, f"{name}: within {VAD_TOLERANCE} of ONNX Runtime", error)
        online = client["phases"]["online"]
        print(f"{name}: |p - p_float| {error:.2g}, {online['seconds'] / VAD_WINDOWS:.3f} s and "
              f"{(online['bytes_sent'] + online['bytes_received']) / VAD_WINDOWS / 1e6:.2f} MB a window online")


exact_sum()
voice_activity("silero_vad_16k_static", [])
voice_activity("silero_vad_16k_op15", ["--shape", "input=1,576", "--shape", "state=2,1,128", "--set", "sr=16000"])
checks.finish()
