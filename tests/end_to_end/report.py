# SPDX-License-Identifier: Apache-2.0
"""The report of a compilation: its figures are those of the program, and a browser, where there is one, shows the page."""
import json
import pathlib
import re
import shutil
import tempfile

import numpy as np
import onnx

from dyad_tools import Checks, model_folder, must, run, tool

checks = Checks()


def main():
    source = model_folder("digits_lenet")
    model = onnx.load(source / "model.onnx")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        np.save(folder / "calibration.npy", np.load(source / "in_0_x.npy")[:32])
        build = [tool("dyadc"), source / "model.onnx", "-o", folder / "out", "--calibrate", folder / "calibration.npy", "--report"]
        must([*build, folder / "report.json"])
        must([*build, folder / "report.html"])
        report = json.loads((folder / "report.json").read_text())

        names = {node["name"] for node in report["nodes"]}
        checks.expect({node.name for node in model.graph.node} <= names, "every node of the model is in the report", str(names))
        online = next(phase for phase in report["phases"] if phase["name"] == "online")
        # A node's bytes have the headers of its frames alone; in the program it shares frames.
        total = sum(node["bytes"] for node in report["nodes"])
        headers = 2 * 8 * sum(node["flows"] for node in report["nodes"])
        checks.expect(online["bytes"] <= total <= online["bytes"] + headers, "bytes of the nodes are those of the program",
                      f"{total} and {online['bytes']}")
        edges = report["edges"]
        checks.expect(all(a != b and max(a, b) < len(report["nodes"]) for a, b in edges), "edges join nodes")
        reached = {0}
        for _ in edges:
            reached |= {b for a, b in edges if a in reached}
        checks.expect(reached == set(range(len(report["nodes"]))), "all of it follows from the input", str(reached))
        relu = next(node for node in report["nodes"] if "relu" in node["operations"])
        checks.expect(relu["range"]["low"] == 0 and relu["owner"] == "shared", "a ReLU's range and owner", str(relu))

        page = (folder / "report.html").read_text()
        inside = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
        checks.expect(json.loads(inside[1]) == report, "the page has the data")
        checks.expect("http" not in page.replace("http://www.w3.org/2000/svg", ""), "the page needs nothing but itself")
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if browser:
            shown = run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom",
                         (folder / "report.html").as_uri()]).stdout
            rows = shown[shown.index('id="nodes"'):].split("</table>")[0].count("<tr") - 1
            checks.expect(rows == len(report["nodes"]), "a browser shows a row for every node", str(rows))
            checks.expect(shown.count('class="node"') == len(report["nodes"]), "and a picture with every node")
        else:
            print("no browser here: the page is not shown")
    checks.finish()


if __name__ == "__main__":
    main()
