# SPDX-License-Identifier: Apache-2.0
"""Nothing private reaches the client's folder.

No window of 16 bytes of the float, folded or quantised weights occurs in any of its files, and two models that differ only in
weights, compiled with one --config (widths and scales fixed), give byte-identical client folders.
"""
import json
import pathlib
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper

from dyad_tools import Checks, model_folder, must, tensors_of, tool


def windows(data):
    """All 16-byte windows of a byte string that are not constant filler, such as zeros."""
    found = set()
    for i in range(len(data) - 15):
        window = data[i:i + 16]
        if len(set(window)) > 4:
            found.add(window)
    return found


def safetensors_blobs(path, prefix=None):
    """Data of all tensors but those whose names begin with the prefix."""
    return [data for name, data in tensors_of(path).items() if prefix is None or not name.startswith(prefix)]


def client_bytes(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def main():
    checks = Checks()
    source = model_folder("digits_lenet")
    samples = np.load(source / "in_0_x.npy")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        np.save(folder / "calibration.npy", samples[:32])
        must([tool("dyadc"), source / "model.onnx", "-o", folder / "first", "--calibrate", folder / "calibration.npy",
              "--scale", "10", "--emit-config", folder / "config.json", "--save-temps"])

        private = set()
        model = onnx.load(str(source / "model.onnx"))
        for initializer in model.graph.initializer:
            private |= windows(numpy_helper.to_array(initializer).tobytes())
        for file in (folder / "first").rglob("*.safetensors"):
            checks.expect("client" not in file.parts, "no weights file in the client's folder", str(file))
            for blob in safetensors_blobs(file):
                private |= windows(blob)
        # Quantised weights also in every other storage width.
        for blob in safetensors_blobs(folder / "first/server/weights.safetensors"):
            for width in (np.int8, np.int16, np.int32):
                for wider in (np.int16, np.int32, np.int64):
                    if len(blob) % np.dtype(width).itemsize == 0:
                        private |= windows(np.frombuffer(blob, width).astype(wider).tobytes())
        checks.expect(len(private) > 50000, "there is something to look for", str(len(private)))
        for name, data in client_bytes(folder / "first/client").items():
            leaks = [window for window in windows(data) if window in private]
            checks.expect(not leaks, f"no 16-byte window of the weights in the client's {name}", str(leaks[:3]))

        # The check can fail: the server's folder does hold them.
        server = b"".join(client_bytes(folder / "first/server").values())
        checks.expect(len(windows(server) & private) > 1000, "the same search finds the weights at the server")

        # The first convolution public: its weights are at the client, and still none of the others.
        must([tool("dyadc"), source / "model.onnx", "-o", folder / "mixed", "--calibrate", folder / "calibration.npy",
              "--public-weights", "c1.*"])
        mixed = folder / "mixed/server/weights.safetensors"
        secret = set().union(*(windows(blob) for blob in safetensors_blobs(mixed, "c1.")))
        public = set().union(*(windows(blob) for blob in safetensors_blobs(mixed))) - secret
        found = set().union(*(windows(data) for data in client_bytes(folder / "mixed/client").values()))
        checks.expect(len(secret) > 1000 and not secret & found, "private weights beside public ones are not at the client")
        checks.expect(len(public & found) > 50, "public weights are at the client")

        rng = np.random.default_rng(7)
        for initializer in model.graph.initializer:
            values = numpy_helper.to_array(initializer)
            if values.dtype == np.float32:
                shuffled = rng.permutation(values.ravel()).reshape(values.shape)
                initializer.CopyFrom(numpy_helper.from_array(shuffled, initializer.name))
        (folder / "other").mkdir()
        onnx.save(model, str(folder / "other" / "model.onnx"))
        for name, path in (("a", source / "model.onnx"), ("b", folder / "other" / "model.onnx")):
            must([tool("dyadc"), path, "-o", folder / name, "--config", folder / "config.json"])
        first, second = client_bytes(folder / "a/client"), client_bytes(folder / "b/client")
        checks.expect(first.keys() == second.keys() and all(first[name] == second[name] for name in first),
                      "models that differ only in weights give the same client folder")
        checks.expect((folder / "a/server/weights.safetensors").read_bytes() != (folder / "b/server/weights.safetensors").read_bytes(),
                      "and different weights at the server")
    checks.finish()


if __name__ == "__main__":
    main()
