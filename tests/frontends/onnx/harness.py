# SPDX-License-Identifier: Apache-2.0
# Small ONNX models made of one or a few nodes, run by ONNX Runtime and by the importer plus the nn
# interpreter (nn-eval).
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
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
    """A model of one node; `domain_opset` and `tolerance` are none of its attributes. Returns it and the values of its graph inputs. An output called "unused"
    has a name, but is none of the model's."""
    attributes = dict(attributes)
    domain_opset = attributes.pop("domain_opset", 1)
    attributes.pop("tolerance", None)
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
    domain, _, plain = type.rpartition("/")
    node = helper.make_node(plain, names, results, name=f"the {type}", domain=domain, **attributes)
    used = [name for name in results if name not in ("", "unused")]
    imports = [helper.make_opsetid(domain, domain_opset)] if domain else []
    return model_of([node], inputs, used, initializers, opset, imports=imports), inputs


random = np.random.default_rng(7)


def x(*shape, low=-2.0, high=2.0):
    return Secret(random.uniform(low, high, shape).astype(np.float32))


def w(*shape, low=-1.0, high=1.0):
    return random.uniform(low, high, shape).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


def expected(model, inputs):
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    for output in model.graph.output:  # types are inferred
        output.ClearField("type")
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    return dict(zip([o.name for o in model.graph.output], session.run(None, inputs)))


def difference(wanted, answer, tolerance=1e-6):
    """Text of the first difference of more than `tolerance` of the largest value, or None."""
    if not answer["imported"] or answer["errors"]:
        return f"errors: {[error['message'] for error in answer['errors']]}"
    for name, reference in wanted.items():
        got = answer["outputs"].get(name)
        if got is None:
            return f"no output {name}"
        if list(reference.shape) != got["shape"]:
            return f"shape {got['shape']} instead of {list(reference.shape)}"
        values = np.array(got["values"], np.float64).reshape(reference.shape)
        reference = reference.astype(np.float64)
        scale = np.abs(reference).max(initial=1.0)
        if not np.allclose(values, reference, rtol=1e-5, atol=tolerance * scale):
            return f"values {values.ravel()[:8]} instead of {reference.ravel()[:8]}"
    return None


class Cases:
    """One-node models, each run by ONNX Runtime and by the importer: with secret inputs and with all
    inputs constant."""

    def __init__(self):
        self.cases = []

    def add(self, type, opsets, arguments, outputs=1, folded=True, only_folded=False, **attributes):
        for opset in opsets if isinstance(opsets, (list, tuple)) else [opsets]:
            self.cases.append((type, opset, arguments, outputs, folded, only_folded, attributes))

    def run(self):
        """The command line is: SCRIPT NN_EVAL [OPERATOR...]. Returns the exit status."""
        importer = Importer(sys.argv[1])
        chosen = sys.argv[2:]
        ran, failures = 0, []
        for type, opset, arguments, outputs, folded, only_folded, attributes in self.cases:
            if chosen and type not in chosen:
                continue
            for as_constants in [True] if only_folded else [False, True] if folded else [False]:
                title = f"{type} opset {opset} {str(attributes)[:200]} {'constant' if as_constants else 'secret'}"
                model, inputs = node_model(type, arguments, outputs, opset, attributes, as_constants)
                try:
                    wanted = expected(model, inputs)
                except Exception as error:
                    failures.append(f"{title}: ONNX Runtime refuses the case: {error}")
                    continue
                ran += 1
                problem = difference(wanted, importer.ask(model, inputs), attributes.get("tolerance", 1e-6))
                if problem:
                    failures.append(f"{title}: {problem}")
        for failure in failures:
            print(failure)
        print(f"{ran} cases, {len(failures)} failures")
        return 1 if failures or ran == 0 else 0
