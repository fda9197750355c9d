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
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


def show(page):
    """The page as a browser leaves it."""
    return run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom", page.as_uri()]).stdout


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def check_decisions(report):
    decisions = [(node["name"], decision) for node in report["nodes"] for decision in node["decisions"]]
    kinds = {decision["what"] for _, decision in decisions}
    checks.expect({"linear", "radix", "fused"} <= kinds, "decisions of all kinds", str(kinds))
    for name, decision in decisions + [("the program", decision) for decision in report["decisions"]]:
        if "next" in decision:
            checks.expect(decision["saved_bytes"] == decision["next"]["bytes"] - decision["bytes"] and decision["next"]["choice"] != decision["chosen"]
                          and abs(decision["saved_seconds"] - decision["next"]["seconds"] + decision["seconds"]) < 1e-9,
                          f"what a decision of {name} saves", str(decision))
    for node in report["nodes"]:
        for protocol in node["protocols"]:
            if "protocol" in protocol:
                found = [d for d in node["decisions"] if d["what"] == "linear" and d["bytes"] == protocol["bytes"]]
                checks.expect(len(found) == 1 and "next" in found[0], f"the protocol of {node['name']} and its next best", str(node))
    checks.expect(all(d["saved_seconds"] >= 0 for _, d in decisions if d["what"] == "radix"), "no better radix is left")


def check_networks(report):
    lan = [[phase["bytes"], phase["flows"]] for phase in report["phases"]]
    checks.expect([network["link"] for network in report["networks"]] == ["wan (400 Mbit/s, 40 ms)"], "the other link")
    wan = report["networks"][0]["phases"]
    checks.expect(lan == [[phase["bytes"], phase["flows"]] for phase in wan], "the same program there")
    # 20 ms and a little for each flow, and bytes at 400 Mbit/s, computing apart.
    online = next(phase for phase in wan if phase["name"] == "online")
    least = online["flows"] * 0.02 + online["bytes"] * 8 / 4e8
    checks.expect(least < online["seconds"] < 1.5 * least, "its seconds on a WAN", f"{least} {online}")


def check_errors(report, source, folder):
    verified = json.loads(run([tool("dyad"), "verify", source / "model.onnx", "--input", folder / "calibration.npy", "--calibrate",
                               folder / "calibration.npy", "--json", "--tolerance", "1"]).stdout)
    rows = {row["name"]: row for row in verified["nodes"]}
    with_errors = [node for node in report["nodes"] if "error" in node]
    checks.expect(0 < report["samples"] <= verified["samples"] and len(with_errors) > len(report["nodes"]) // 2, "errors on samples")
    for node in with_errors:
        row = rows[node["name"]]
        error, own = (node["error"][key] * node["error"]["largest"] for key in ("relative", "own"))
        checks.expect(error <= row["error"] * (1 + 1e-9) and own <= row["own_error"] * (1 + 1e-9),
                      f"errors of {node['name']} on some of the samples are within those on all", f"{node['error']} {row}")
    # A ReLU rounds nothing unless a truncation is part of it; its error comes from what it reads.
    relus = [node for node in with_errors if node["operations"] == ["relu"]]
    checks.expect(relus and all(node["error"]["own"] == 0 < node["error"]["relative"] for node in relus), "a ReLU adds none", str(relus))
    checks.expect(any(node["error"]["own"] > 0 for node in with_errors), "others do")


def check_own_error(source, folder):
    """A node whose weights have too few bits adds more error than any other, and says so."""
    (folder / "coarse.json").write_text(json.dumps({"nodes": {"/c2/Conv": {"weight_scale": 2}}}))
    done = run([tool("dyad"), "verify", source / "model.onnx", "--input", folder / "calibration.npy", "--calibrate", folder / "calibration.npy",
                "--config", folder / "coarse.json", "--json"])
    rows = json.loads(done.stdout)["nodes"]
    most = max(rows, key=lambda row: row["relative_own_error"])
    behind = rows[next(i for i, row in enumerate(rows) if row["name"] == "/f1/Gemm")]
    checks.expect(most["name"] == "/c2/Conv" and most["relative_own_error"] > 0.03, "the node with coarse weights adds most error", str(most))
    checks.expect(behind["relative_error"] > 3 * behind["relative_own_error"], "those behind it inherit theirs", str(behind))


def check_dump(source, folder):
    """dyad-dump --html: what stands in the text stands in the page, at every stage."""
    for stage in ("nn", "fx", "mpc"):
        dump = [tool("dyad-dump"), source / "model.onnx", "--stage", stage, "--scale", "8"]
        text = must(dump).stdout
        must([*dump, "--html", folder / "dump.html"])
        page = (folder / "dump.html").read_text()
        operations = data_of(page)["operations"]
        defined = re.findall(r"^ +(?:%[\d:, %]+ = )?([a-z]+\.[a-z_0-9]+)", text[text.index("func.func"):], re.M)
        checks.expect([op["op"] for op in operations if op["op"] not in ("func.return", "mpc.yield")]
                      == [op for op in defined if op not in ("func.func", "mpc.yield")], f"{stage}: all operations, in order", str(defined))
        for i, operation in enumerate(operations):
            for operand in operation["operands"]:
                source_names = [result["name"] for result in operations[operand["from"]]["results"]]
                checks.expect(0 <= operand["from"] < i and operand["name"] in source_names, f"{stage}: where {operand['name']} comes from", str(operation))
        if stage == "mpc":
            cost = json.loads(must([tool("dyad-dump"), source / "model.onnx", "--costs", "--json", "--scale", "8"]).stdout)
            online = next(phase for phase in cost["phases"] if phase["name"] == "online")
            sent = sum(op.get("bytes", 0) for op in operations if op["inside"] < 0)
            checks.expect(sent == online["bytes"], "bytes of operations are those of the program", f"{sent} {online}")
        checks.expect("http" not in page.replace("http://www.w3.org/2000/svg", ""), "the dump's page needs nothing but itself")
        if BROWSER:
            shown = show(folder / "dump.html")
            drawn = sum(op["inside"] < 0 and op["op"].split(".")[1] not in ("constant", "return") for op in operations)
            checks.expect(shown.count('class="node"') == drawn, f"{stage}: a browser draws the graph", f"{shown.count('class=')}")
            checks.expect(len(re.findall('<details class="op', shown)) == len(operations), f"{stage}: and lists the operations")
    done = run([tool("dyad-dump"), source / "model.onnx", "--html", folder / "absent" / "dump.html"])
    checks.expect(done.returncode == 1 and "cannot write" in done.stderr, "a page that cannot be written", done.stderr)


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
        seen = [node for node in report["nodes"] if "seen" in node]
        checks.expect(len(seen) == len(report["nodes"]) and all(
            node["range"]["low"] <= node["seen"]["low"] <= node["seen"]["high"] <= node["range"]["high"] for node in seen),
            "what samples showed is within every range", str(seen))
        checks.expect(all(0 <= node["seen"]["half_within"] <= node["seen"]["99_percent_within"]
                          <= max(abs(node["seen"]["low"]), abs(node["seen"]["high"])) for node in seen),
                      "most values are within the largest", str(seen))
        checks.expect(all((node["range"]["kind"] == "proved") == ("basis" in node["range"]) for node in seen),
                      "a proved range says what it follows from", str([node["range"] for node in seen]))
        checks.expect(all(node["margin_bits"] >= 0 for node in seen if "margin_bits" in node) and 0.5 < relu["margin_bits"] < 4,
                      "and so far from its ends as head-room asks for", str(relu))

        check_decisions(report)
        check_networks(report)
        check_errors(report, source, folder)
        check_own_error(source, folder)

        page = (folder / "report.html").read_text()
        checks.expect(data_of(page) == report, "the page has the data")
        checks.expect("http" not in page.replace("http://www.w3.org/2000/svg", ""), "the page needs nothing but itself")
        if BROWSER:
            shown = show(folder / "report.html")
            rows = shown[shown.index('id="nodes"'):].split("</table>")[0].count("<tr") - 1
            checks.expect(rows == len(report["nodes"]), "a browser shows a row for every node", str(rows))
            decisions = sum(len(node["decisions"]) for node in report["nodes"] + [report])
            shown_decisions = shown[shown.index('id="decisions"'):].split("</table>")[0].count("<tr") - 1
            checks.expect(shown_decisions == decisions, "a row for every decision", f"{shown_decisions} and {decisions}")
            phases = shown[shown.index('id="phases"'):].split("</table>")[0]
            checks.expect("lan (" in phases and "wan (" in phases and phases.count("<tr") == 5, "phases over both links, and their total")
            checks.expect("in all" in shown[shown.index('id="nodes"'):].split("</table>")[0], "errors of the nodes")
            checks.expect(shown.count('class="node"') == len(report["nodes"]), "and a picture with every node")
        else:
            print("no browser here: pages are not shown")
        check_dump(source, folder)
    checks.finish()


if __name__ == "__main__":
    main()
