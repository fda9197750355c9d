# SPDX-License-Identifier: Apache-2.0
"""The command line of benchmarks/run: what is selected, measured, saved and shown."""
import argparse
import contextlib
import fnmatch
import json
import pathlib
import signal
import sys

from . import networks, report, tools

ELEMENTS = [1 << 16, 1 << 20]
GROUPS = {"cots": "cot", "primitives": "primitive", "layers": "layer", "networks": "network"}


def parser(description):
    result = argparse.ArgumentParser(prog="benchmarks/run", description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = result.add_argument
    add("names", nargs="*", metavar="NAME", help="names, patterns or groups; default: everything")
    add("--list", action="store_true", help="what there is, and end")
    add("--json", metavar="FILE", help="write the results, a list")
    add("--markdown", metavar="FILE", help="write the tables; a file with marked sections keeps all other text")
    add("--plots", metavar="FOLDER", help="write the plots (SVG)")
    add("--merge", metavar="FILE", action="append", default=[],
        help="results of an earlier --json to show as well; what is measured now replaces them (repeatable)")
    add("--render", action="store_true", help="measure nothing: only show what --merge brings")
    add("--simulate", metavar="LINK", action="append", default=[],
        help="lan, wan or BANDWIDTH,RTT: through a relay that imitates this link; 'none' is bare loopback (repeatable: "
             "each of them)")
    add("--threads", metavar="N", type=int, default=1, help="threads of each party (default 1)")
    add("--elements", metavar="N", type=int, action="append", help="elements of a primitive (default 2^16 and 2^20)")
    add("--seconds", type=float, default=1.0, help="about how long each primitive or layer is repeated (default 1)")
    add("--models", metavar="FOLDER", type=pathlib.Path,
        help="where <network>_random/model.onnx of the ImageNet networks are, or will be generated")
    add("--generator", metavar="FILE", type=pathlib.Path,
        help="gen_random_models.py, which makes them (default: that of ../shared/models/scripts)")
    add("--scale", type=int, default=12, help="fraction bits of networks, activations and weights (default 12)")
    return result


def everything():
    """All that can be measured: [{"name", "kind", ...}]."""
    return tools.bench(["--list"]) + [{"name": name, "kind": "network"} for name in networks.NAMES]


def label(item):
    return f"{item['name']}/{item['bits']}" if item["kind"] == "primitive" else item["name"]


def select(items, names, fail):
    """Items that any of the names means, in their order."""
    if not names:
        return items
    chosen = []
    for name in names:
        kind = GROUPS.get(name)
        found = [item for item in items if item["kind"] == kind or fnmatch.fnmatch(item["name"], name)
                 or fnmatch.fnmatch(label(item), name)]
        if not found:
            fail(f"there is nothing named '{name}'; see --list")
        chosen += [item for item in found if item not in chosen]
    return [item for item in items if item in chosen]


def jobs(selected, arguments):
    """(what to say, function that returns a row or None) for each measurement."""
    for link in arguments.simulate or ["none"]:
        link = None if link == "none" else link
        where = f" over {link}" if link else ""
        for item in selected:
            name, kind = item["name"], item["kind"]
            common = ["--threads", arguments.threads, "--seconds", arguments.seconds] + (["--link", link] if link else [])
            if kind == "network":
                yield f"{name}{where}", lambda name=name, link=link: networks.measure(name, link, arguments)
            elif kind == "primitive":
                for elements in arguments.elements or ELEMENTS:
                    command = [name, "--bits", item["bits"], "--elements", elements, *common]
                    yield f"{label(item)} of {elements}{where}", lambda command=command: tools.bench(command)
            else:
                yield f"{name}{where}", lambda command=[name, *common]: tools.bench(command)


def save(path, rows):
    pathlib.Path(path).write_text(json.dumps(rows, indent=1) + "\n")


def load(path, fail):
    try:
        return json.loads(pathlib.Path(path).read_text())
    except (OSError, json.JSONDecodeError) as error:
        fail(f"--merge {path}: {error}")


def merged(old, new):
    """Rows of `old` that `new` does not have, and `new`."""
    def key(row):
        return tuple(row.get(part) for part in ("kind", "name", "bits", "n", "network", "threads"))

    fresh = {key(row) for row in new}
    return [row for row in old if key(row) not in fresh] + new


def measure_all(selected, arguments):
    """Rows, and whether everything could be measured."""
    rows, complete = [], True
    planned = list(jobs(selected, arguments))
    about = tools.machine()
    for number, (text, work) in enumerate(planned, 1):
        print(f"[{number}/{len(planned)}] {text} ...", end="", file=sys.stderr, flush=True)
        try:
            row = work()
        except tools.Skipped as reason:
            print(f" left out: {reason}", file=sys.stderr, flush=True)
            continue
        except tools.Failed as failure:
            print(f" FAILED\n{failure}", file=sys.stderr, flush=True)
            complete = False
            continue
        except KeyboardInterrupt:
            print("\ninterrupted: what was measured so far follows", file=sys.stderr)
            return rows, False
        row.update(machine=about["machine"], commit=about["commit"])
        rows.append(row)
        print(" " + report.one_line(row), file=sys.stderr, flush=True)
        if arguments.json:
            save(arguments.json, rows)
    return rows, complete


def show(text):
    with contextlib.suppress(BrokenPipeError):
        print(text, flush=True)


def main(description):
    arguments_parser = parser(description)
    arguments = arguments_parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rows, complete = [], True
    if not arguments.render:
        try:
            items = everything()
        except tools.Failed as failure:
            arguments_parser.error(str(failure))
        if arguments.list:
            show("\n".join(f"{item['kind']:10} {label(item):28} {item.get('what', '')}".rstrip() for item in items))
            return 0
        rows, complete = measure_all(select(items, arguments.names, arguments_parser.error), arguments)
    for path in reversed(arguments.merge):
        rows = merged(load(path, arguments_parser.error), rows)
    if arguments.json:
        save(arguments.json, rows)
    sections = report.sections(rows)
    if arguments.plots:
        report.write_plots(rows, pathlib.Path(arguments.plots))
    if arguments.markdown:
        report.write_markdown(sections, pathlib.Path(arguments.markdown))
    show("\n\n".join(text for text in sections.values() if text))
    return 0 if complete else 1
