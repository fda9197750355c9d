# SPDX-License-Identifier: Apache-2.0
"""What users and peers get wrong: each case ends with a clear message and the right exit status, none hangs.

1 is a bad input, 2 a wrong command line, 3 the network or the peer.
"""
import pathlib
import shutil
import signal
import socket
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper

from dyad_tools import Checks, free_port, model_folder, must, run, start, tool

checks = Checks()


def expect(done, status, fragments, what):
    """Exit status, and every fragment in the message; no trace of a crash."""
    text = done.stderr + done.stdout
    good = done.returncode == status and all(fragment.lower() in text.lower() for fragment in fragments)
    for crash in ("Stack dump", "terminate called", "Assertion", "LLVM ERROR", "Traceback"):
        good = good and crash not in text
    checks.expect(good, what, f"exit {done.returncode} instead of {status}; wanted {fragments}\n{text[-1500:]}")


def save_model(path, nodes, inputs, outputs, initializers=(), opset=17):
    graph = helper.make_graph(nodes, "graph", inputs, outputs, list(initializers))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), str(path))


def tensor(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def constant(name, values):
    values = np.asarray(values, dtype=np.float32)
    return helper.make_tensor(name, TensorProto.FLOAT, values.shape, values.ravel())


def compile_errors(folder):
    lenet = model_folder("digits_lenet") / "model.onnx"
    out = folder / "never"

    (folder / "truncated.onnx").write_bytes(lenet.read_bytes()[:20000])
    expect(run([tool("dyadc"), folder / "truncated.onnx", "-o", out]), 1, ["truncated.onnx"], "a truncated file")
    (folder / "foreign.onnx").write_text("this is no model\n" * 50)
    expect(run([tool("dyadc"), folder / "foreign.onnx", "-o", out]), 1, ["foreign.onnx"], "a foreign file")
    expect(run([tool("dyadc"), folder / "absent.onnx", "-o", out]), 1, ["absent.onnx"], "a missing file")

    save_model(folder / "unsupported.onnx",
               [helper.make_node("Det", ["x"], ["a"], name="first/det"), helper.make_node("Relu", ["a"], ["b"], name="fine"),
                helper.make_node("NonZero", ["b"], ["y"], name="second/nonzero")], [tensor("x", [1, 4])], [tensor("y", [1, 4])])
    expect(run([tool("dyadc"), folder / "unsupported.onnx", "-o", out]), 1,
           ["first/det", "Det", "second/nonzero", "NonZero"], "all unsupported operators in one go")

    save_model(folder / "symbolic.onnx", [helper.make_node("Relu", ["x"], ["y"], name="relu")], [tensor("x", ["batch", 4])],
               [tensor("y", ["batch", 4])])
    expect(run([tool("dyadc"), folder / "symbolic.onnx", "-o", out]), 1, ["x", "--shape", "batch"], "a symbolic dimension")

    for name, value in (("nan", np.nan), ("infinity", np.inf)):
        save_model(folder / f"{name}.onnx", [helper.make_node("Mul", ["x", "scale"], ["y"], name="mul")], [tensor("x", [1, 4])],
                   [tensor("y", [1, 4])], [constant("scale", [1, 2, value, 4])])
        expect(run([tool("dyadc"), folder / f"{name}.onnx", "-o", out]), 1, ["scale"], f"{name} in weights")

    save_model(folder / "logarithm.onnx", [helper.make_node("Log", ["x"], ["y"], name="of/input")], [tensor("x", [1, 4])],
               [tensor("y", [1, 4])])
    expect(run([tool("dyadc"), folder / "logarithm.onnx", "-o", out, "--input-range", "-1,1"]), 1, ["of/input", "log", "range"],
           "a logarithm of what may be negative")

    samples = np.load(model_folder("digits_lenet") / "in_0_x.npy")
    np.save(folder / "calibration.npy", samples[:8])
    expect(run([tool("dyadc"), lenet, "-o", out, "--bitwidth", "16", "--calibrate", folder / "calibration.npy"]), 1,
           ["Conv", "bits", "16"], "a width too small for the model")
    np.save(folder / "wrong-shape.npy", np.zeros((3, 5), np.float32))
    expect(run([tool("dyadc"), lenet, "-o", out, "--calibrate", folder / "wrong-shape.npy"]), 1, ["wrong-shape.npy"],
           "calibration samples of a wrong shape")
    (folder / "bad.json").write_text('{"nodes": {"no such node": {"scale": 3}}}')
    expect(run([tool("dyadc"), lenet, "-o", out, "--config", folder / "bad.json"]), 1, ["no such node"], "a config for another model")
    (folder / "broken.json").write_text('{"nodes": ')
    expect(run([tool("dyadc"), lenet, "-o", out, "--config", folder / "broken.json"]), 1, ["broken.json"], "a broken config")

    expect(run([tool("dyadc"), lenet, "-o", folder / "foreign.onnx" / "out"]), 1, ["foreign.onnx"], "an output folder that cannot be made")
    expect(run([tool("dyadc"), lenet, "-o", out, "--outputs", "nonsense"]), 1, ["nonsense"], "an unknown output")
    expect(run([tool("dyadc"), lenet, "-o", out, "--shape", "nonsense=1,2"]), 1, ["nonsense"], "a shape for an unknown input")
    checks.expect(not out.exists(), "a failed compilation leaves no folder")


def usage_errors():
    lenet = model_folder("digits_lenet") / "model.onnx"
    expect(run([tool("dyadc"), lenet, "--truncation", "fast"]), 2, ["--truncation", "not available"], "--truncation fast is refused by name")
    expect(run([tool("dyadc"), lenet, "--report", "r.txt"]), 2, ["--report", ".html"], "a report of no known form")
    expect(run([tool("dyadc"), lenet, "--public-weights", "nothing*"]), 1, ["nothing*"], "--public-weights that names no weight")
    for arguments in (["--scale", "many"], ["--linear", "rlwe"], ["--network", "fast"], ["--input-range", "5,1"], ["--no-such-option"], ["--owner", "x=nobody"]):
        expect(run([tool("dyadc"), lenet, *arguments]), 2, [arguments[0]], f"dyadc {' '.join(arguments)}")
    expect(run([tool("dyadc")]), 2, ["model"], "dyadc without a model")


def party_errors(folder):
    lenet = model_folder("digits_lenet")
    mnist = model_folder("mnist8")
    samples = np.load(lenet / "in_0_x.npy")
    np.save(folder / "lenet.npy", samples[:32])
    must([tool("dyadc"), lenet / "model.onnx", "-o", folder / "lenet", "--calibrate", folder / "lenet.npy"])
    np.save(folder / "mnist.npy", np.load(mnist / "in_0_Input3.npy")[:8])
    must([tool("dyadc"), mnist / "model.onnx", "-o", folder / "mnist", "--calibrate", folder / "mnist.npy"])
    server = folder / "lenet/server/server"
    client = folder / "lenet/client/client"
    reference = folder / "lenet/reference/reference"
    good, result = folder / "one.npy", folder / "result.npy"
    np.save(good, samples[0])

    def client_alone(extra, status, fragments, what):
        # No server is there: a mistake in the input is found before the network is touched.
        expect(run([client, "--connect", f"127.0.0.1:{free_port()}", "--output", result, *extra]), status, fragments, what)

    np.save(folder / "shape.npy", np.zeros((1, 1, 7, 7), np.float32))
    np.save(folder / "type.npy", np.array(["text"]))
    np.save(folder / "outside.npy", samples[0] + 1e6)
    np.save(folder / "nan.npy", np.where(samples[0] == samples[0].max(), np.nan, samples[0]).astype(np.float32))
    (folder / "no.npy").write_text("not an array")
    client_alone(["--input", folder / "shape.npy"], 1, ["shape", "8"], "an input of a wrong shape")
    client_alone(["--input", folder / "type.npy"], 1, ["type.npy"], "an input of a wrong type")
    client_alone(["--input", folder / "no.npy"], 1, ["no.npy"], "an input that is no array")
    client_alone(["--input", f"nobody={good}"], 1, ["nobody", "x"], "an input of a wrong name")
    client_alone(["--input", folder / "missing.npy"], 1, ["missing.npy"], "an input file that is missing")
    client_alone(["--input", folder / "outside.npy"], 1, ["range", "x"], "an input outside its range")
    client_alone(["--input", folder / "nan.npy"], 1, ["x"], "an input that is not a number")
    client_alone([], 1, ["--input"], "no input at all")
    client_alone(["--input", good, "--timeout", "1"], 3, ["127.0.0.1"], "no server there")
    client_alone(["--input", good, "--threads", "0"], 2, ["--threads"], "no thread at all")
    client_alone(["--input", good, "--tls-ca", "ca.pem"], 2, ["--tls-ca"], "TLS is refused by name")
    client_alone(["--nonsense"], 2, ["--nonsense"], "an unknown option")
    expect(run([reference, "--input", folder / "outside.npy", "--output", result]), 1, ["range"], "reference with an input outside its range")

    # A range violation inside the network: samples near zero calibrate, larger ones are allowed in by hand.
    np.save(folder / "small.npy", samples[:8] * 0.01)
    must([tool("dyadc"), lenet / "model.onnx", "-o", folder / "narrow", "--calibrate", folder / "small.npy", "--input-range", "-1000,1000"])
    np.save(folder / "large.npy", samples[0] * 50)
    expect(run([folder / "narrow/reference/reference", "--input", folder / "large.npy", "--output", result]), 1, ["/"],
           "reference names the node whose range is violated")

    shutil.copytree(folder / "lenet", folder / "mixed")
    shutil.copy(folder / "mnist/server/weights.safetensors", folder / "mixed/server/weights.safetensors")
    expect(run([folder / "mixed/server/server", "--listen", f"127.0.0.1:{free_port()}"]), 1, ["weights"], "weights of another model")

    def pair(server_command, client_command, timeout=60):
        peer = start(server_command)
        done = run(client_command, timeout)
        out, errors = peer.communicate(timeout=timeout)
        peer.stdout_text, peer.stderr_text = out, errors
        return done, peer

    address = f"127.0.0.1:{free_port()}"
    done, peer = pair([folder / "mnist/server/server", "--listen", address], [client, "--connect", address, "--input", good, "--output", result])
    expect(done, 3, ["program"], "programs that differ: the client says so")
    checks.expect(peer.returncode == 3 and "program" in peer.stderr_text, "programs that differ: the server says so", peer.stderr_text)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        expect(run([server, "--listen", f"127.0.0.1:{port}"]), 3, [str(port)], "a port that is taken")
        # The same socket accepts and stays silent: no keep-alive comes either.
        begin = time.monotonic()
        done = run([client, "--connect", f"127.0.0.1:{port}", "--input", good, "--output", result, "--timeout", "2"], 60)
        expect(done, 3, ["2"], "a peer that stays silent past --timeout")
        checks.expect(time.monotonic() - begin < 20, "silence ends soon after --timeout")

    # A peer that dies half-way: many samples, so that the run is under way when the client is killed.
    np.save(folder / "many.npy", np.repeat(samples, 5, axis=0))
    for how, status in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
        address = f"127.0.0.1:{free_port()}"
        peer = start([server, "--listen", address])
        victim = start([client, "--connect", address, "--input", folder / "many.npy", "--output", result])
        time.sleep(2)
        checks.expect(victim.poll() is None, "the run is under way when the client is stopped")
        victim.send_signal(how)
        _, victim_errors = victim.communicate(timeout=20)
        _, errors = peer.communicate(timeout=20)
        checks.expect(victim.returncode == status, f"a client stopped by {how.name} ends with {status}",
                      f"{victim.returncode} {victim_errors}")
        checks.expect(peer.returncode == 3 and "client" in errors, f"the server notices a client stopped by {how.name}",
                      f"{peer.returncode} {errors}")
        if how == signal.SIGINT:
            checks.expect("interrupted" in victim_errors, "Ctrl-C is acknowledged", victim_errors)

    expect(run([client, "--connect", "nonsense", "--input", good, "--output", result]), 2, ["nonsense"], "an address that is none")
    address = f"127.0.0.1:{free_port()}"
    done, peer = pair([server, "--listen", address, "--timeout", "5"], [client, "--connect", address, "--input", good, "--output", folder / "no/such/dir.npy"])
    expect(done, 1, ["dir.npy"], "an output that cannot be written")


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        compile_errors(folder)
        usage_errors()
        party_errors(folder)
    checks.finish()


if __name__ == "__main__":
    main()
