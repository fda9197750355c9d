# SPDX-License-Identifier: Apache-2.0
# Small ONNX models made of one or a few nodes, run by ONNX Runtime and by the importer plus the nn
# interpreter (nn-eval).
import json
import os
import subprocess
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Importer:
    """One nn-eval process; `ask` imports a model, and runs it if there are inputs."""

    def __init__(self, tool):
        self.process = subprocess.Popen(
            [tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.folder = tempfile.TemporaryDirectory()
        self.count = 0

    def ask(self, model, inputs=None, **options):
        path = model
        if isinstance(model, onnx.ModelProto):
            model = model.SerializeToString()
        if isinstance(model, bytes):
            self.count += 1
            path = os.path.join(self.folder.name, f"model{self.count}.onnx")
            with open(path, "wb") as file:
                file.write(model)
        request = {"model": path, **options}
        if inputs is not None:
            request["inputs"] = {
                name: {
                    "shape": list(value.shape),
                    "values": value.astype(np.float32).ravel().tolist(),
                }
                for name, value in inputs.items()
            }
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"nn-eval ended with status {self.process.wait()} on {path}")
        return json.loads(answer)


class Secret:
    """A graph input with this value; plain arrays are initializers."""

    def __init__(self, value):
        self.value = np.asarray(value)


def model_of(nodes, inputs, outputs, initializers=(), opset=17, ir=8, functions=(), imports=()):
    """`inputs` maps names to (type, shape) or to arrays, `outputs` is a list of names or of
    (name, type); shapes of outputs are left open."""
    def info(name, what):
        if isinstance(what, np.ndarray):
            what = (helper.np_dtype_to_tensor_dtype(what.dtype), what.shape)
        return helper.make_tensor_value_info(name, *what)

    def output(one):
        name, type = one if isinstance(one, tuple) else (one, TensorProto.FLOAT)
        return helper.make_tensor_value_info(name, type, None)

    graph = helper.make_graph(
        list(nodes),
        "test",
        [info(name, what) for name, what in inputs.items()],
        [output(one) for one in outputs],
        [
            value if isinstance(value, TensorProto) else numpy_helper.from_array(value, name)
            for name, value in dict(initializers).items()
        ],
    )
    return helper.make_model(
        graph,
        ir_version=ir,
        opset_imports=[helper.make_opsetid("", opset), *imports],
        functions=list(functions),
    )


def node_model(type, arguments, outputs, opset, attributes, as_constants):
    """A model of one node. Returns it and the values of its graph inputs. An output called "unused"
    has a name, but is none of the model's."""
    names, inputs, initializers = [], {}, {}
    for i, argument in enumerate(arguments):
        if argument is None:
            names.append("")
            continue
        name = f"i{i}"
        names.append(name)
        if isinstance(argument, Secret) and not as_constants:
            inputs[name] = argument.value
        else:
            initializers[name] = (
                argument.value if isinstance(argument, Secret) else np.asarray(argument)
            )
    results = [f"o{i}" for i in range(outputs)] if isinstance(outputs, int) else outputs
    node = helper.make_node(type, names, results, name=f"the {type}", **attributes)
    used = [name for name in results if name not in ("", "unused")]
    return model_of([node], inputs, used, initializers, opset), inputs
