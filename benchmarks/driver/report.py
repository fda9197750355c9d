# SPDX-License-Identifier: Apache-2.0
"""Results as Markdown tables and plots, beside the figures of other systems (peers.json)."""
import json
import math

from . import plots, tools

PEERS = json.loads((tools.ROOT / "benchmarks" / "peers.json").read_text())
MARK = "<!-- benchmarks: {} -->"
END = "<!-- end -->"


def table(header, rows):
    """An aligned Markdown table; figures to the right, the first column to the left."""
    cells = [header] + [[str(cell) for cell in row] for row in rows]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(header))]

    def line(row):
        return "| " + " | ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([line(cells[0]), rule] + [line(row) for row in cells[1:]])


def figure(value, digits=1):
    """A number or a range [low, high] for people."""
    if value is None:
        return "-"
    if isinstance(value, list):
        return f"{figure(value[0], digits)}-{figure(value[1], digits)}"
    return f"{value:,.{digits}f}" if value < 1000 else f"{value:,.0f}"


def middle(value):
    return sum(value) / len(value) if isinstance(value, list) else value


def megabytes(count):
    return figure(count / 1e6, 1 if count < 1e8 else 0) if count >= 1e6 else figure(count / 1e6, 2)


def seconds(value):
    return figure(value, 2) if not isinstance(value, list) and value < 10 else figure(value, 1)


def gibibytes(count):
    return f"{count / 2**30:.2f}"


def peers(kind, name, bits=None):
    return [peer for peer in PEERS[kind] if peer["name"] == name and (bits is None or peer["bits"] == bits)]


def of_kind(rows, kind):
    return [row for row in rows if row["kind"] == kind]


def one_line(row):
    """What the progress display says of a result."""
    if row["kind"] == "cot":
        return f"{row['cots_per_second'] / 1e6:.1f} million a second, {row['bits_per_element']:.3f} bit each"
    if row["kind"] == "primitive":
        return f"{row['bits_per_element']:.1f} bits, {row['flows']} flows, {row['ns_per_element']:.0f} ns"
    if row["kind"] == "layer":
        return f"{megabytes(row['bytes'])} MB, {row['seconds']:.3f} s"
    return f"{megabytes(row['bytes'])} MB, {row['flows']} flows, {row['seconds']:.1f} s, equal to reference"


def setting(row):
    threads = row.get("threads", 1)
    return row["network"] + ("" if threads == 1 else f", {threads} threads")


def cots(rows):
    lines = [[row["name"], setting(row), f"{row['bits_per_element']:.3f}", f"{row['cots_per_second'] / 1e6:.1f}",
              f"{row['cots_per_cpu_second'] / 1e6:.1f}"] for row in rows]
    lines += [[PEERS["systems"][peer["system"]], "loopback", f"{peer['bits']:.3f}", f"{peer['million_per_second']:.1f}", "-"]
              for peer in PEERS["cots"]]
    return table(["correlated OTs, one direction", "network", "bits each", "million a second", "a CPU second"], lines)


def primitives(rows):
    """One line a primitive and network, times by the number of elements."""
    grouped = {}
    for row in rows:
        grouped.setdefault((row["name"], row["bits"], setting(row)), []).append(row)
    columns = max(len(group) for group in grouped.values())
    header = ["primitive", "bits", "network", "bits an element", "bytes", "flows", "COTs"]
    largest = max(grouped.values(), key=len)
    header += [f"ns at 2^{round(math.log2(row['n']))}" for row in sorted(largest, key=lambda row: row["n"])]
    header += ["CPU ns", "CrypTFlow2 bytes", "us", "Cheetah bytes", "us"]
    lines = []
    for (name, bits, network), group in grouped.items():
        group.sort(key=lambda row: row["n"])
        last = group[-1]
        line = [name, bits, network, figure(last["bits_per_element"]), figure(last["bits_per_element"] / 8), last["flows"],
                figure(last["cots"] / last["n"])]
        line += [figure(row["ns_per_element"], 0) for row in group] + ["-"] * (columns - len(group))
        line.append(figure(last["cpu_ns_per_element"], 0))
        for system in ("sci", "cheetah"):
            found = [peer for peer in peers("primitives", name, bits) if peer["system"] == system]
            line += [figure(found[0]["bytes"]), figure(found[0].get("us"), 2)] if found else ["-", "-"]
        lines.append(line)
    return table(header, lines)


def layers(rows):
    """One line a layer and network: without and with packed replies, and which is faster there."""
    pairs = {}
    for row in rows:
        pairs.setdefault((row["name"].removesuffix("-packed"), setting(row)), {})[row["packed"]] = row
    lines = []
    for (name, network), pair in pairs.items():
        line = [name, network]
        for packed in (False, True):
            row = pair.get(packed)
            if row is None:
                line += ["-"] * 5
                continue
            line += [f"{megabytes(row['bytes_to_server'])} + {megabytes(row['bytes_to_client'])}",
                     f"{row['products']:,}" + (f" + {row['automorphisms']:,}" if packed else ""), f"{row['seconds']:.3f}",
                     f"{row['cpu_seconds_server']:.2f} + {row['cpu_seconds_client']:.2f}", gibibytes(row["peak_rss"])]
        line.append(("packed" if pair[True]["seconds"] < pair[False]["seconds"] else "unpacked") if len(pair) == 2 else "-")
        found = peers("layers", name)
        line += [f"{PEERS['systems'][found[0]['system']].split(' (')[0]}, {found[0]['bits']} bits", megabytes(found[0]["bytes"]),
                 seconds(found[0]["seconds"])] if found else ["-"] * 3
        lines.append(line)
    return table(["layer, 32 bits", "network", "MB up + down", "products", "s", "CPU s", "GiB", "packed: MB up + down",
                  "products + automorphisms", "s", "CPU s", "GiB", "faster", "peer", "MB", "s"], lines)


def networks(rows):
    lines = []
    names = list(dict.fromkeys(row["name"] for row in rows))
    for name in names:
        for row in (row for row in rows if row["name"] == name):
            lines.append([f"{name}: Dyad", setting(row), megabytes(row["bytes"]), row["flows"], seconds(row["seconds"]),
                          gibibytes(row["peak_rss_server"]), gibibytes(row["peak_rss_client"]), f"{row['compile_seconds']:.0f}",
                          "exact"])
        for peer in peers("networks", name):
            peak = [gibibytes(count) for count in peer["peak"]] if "peak" in peer else ["-", "-"]
            lines.append([f"{name}: {PEERS['systems'][peer['system']]}", "loopback", megabytes(peer["bytes"]),
                          f"{peer['flows']}" if "flows" in peer else "-", seconds(peer["seconds"]), *peak, "-", peer["note"]])
    return table(["network", "link", "MB", "flows", "s", "peak GiB server", "client", "compile s", "result"], lines)


def profiles(rows):
    """For each network one table: phases, then kinds of operations of the online phase."""
    texts = []
    for row in rows:
        lines = [[f"{phase} (phase)", "", megabytes(part["bytes"]), part["flows"], seconds(part["seconds"])]
                 for phase, part in row["phases"].items()]
        kinds = sorted(row["kinds"].items(), key=lambda item: -item[1]["bytes"])
        lines += [[kind, part["nodes"], megabytes(part["bytes"]), part["flows"], seconds(part["seconds"])] for kind, part in kinds]
        texts.append(table([f"{row['name']}, {setting(row)}", "nodes", "MB", "flows", "s"], lines))
    return "\n\n".join(texts)


def sections(rows):
    """Name of a section -> its Markdown; empty where nothing was measured."""
    result = {}
    for name, kind, make in (("cots", "cot", cots), ("primitives", "primitive", primitives), ("layers", "layer", layers),
                             ("networks", "network", networks), ("profiles", "network", profiles)):
        chosen = of_kind(rows, kind)
        if name == "profiles":
            chosen = [row for row in chosen if row["bytes"] > 100e6 and setting(row) == "loopback"]
        result[name] = make(chosen) if chosen else ""
    if rows:
        result["machine"] = "\n".join(sorted({f"Machine: {row['machine']}." for row in rows}))
    return result


def write_markdown(texts, path):
    """Replaces the marked sections of a file, or writes all sections into a new one."""
    if not path.exists():
        path.write_text("\n\n".join(text for text in texts.values() if text) + "\n")
        return
    content = path.read_text()
    for name, text in texts.items():
        mark = MARK.format(name)
        if mark in content and text:
            before, rest = content.split(mark, 1)
            content = before + mark + "\n" + text + "\n" + END + rest.split(END, 1)[1]
    path.write_text(content)


def write_plots(rows, folder):
    names = {"dyad": "Dyad", **PEERS["systems"]}

    def groups(kind, ours, theirs, text):
        result = []
        for row in of_kind(rows, kind):
            name = row["name"].removesuffix("-packed")
            found = peers(f"{kind}s", name, row["bits"] if kind == "primitive" else None)
            bars = [("dyad", ours(row), text(ours(row)))]
            bars += [(peer["system"], middle(theirs(peer)), text(middle(theirs(peer)))) for peer in found if theirs(peer) is not None]
            label = row["name"] if kind != "primitive" else f"{row['name']}, {row['bits']} bits"
            if len(bars) > 1 and setting(row) == "loopback":
                result = [group for group in result if group[0] != label] + [(label, bars)]
        return result

    def plot(name, title, chosen):
        if chosen:
            plots.write(folder, name, plots.bars(title, chosen, names))

    def bytes_of(item):
        return item["bytes"]

    def seconds_of(item):
        return item["seconds"]

    plot("network_bytes", "Whole networks, both directions: MB", groups("network", bytes_of, bytes_of, lambda v: f"{v / 1e6:,.0f}"))
    plot("network_seconds", "Whole networks, one thread a party: seconds",
         groups("network", seconds_of, seconds_of, lambda v: f"{v:,.0f}"))
    plot("layer_bytes", "Linear layers, both directions: MB", groups("layer", bytes_of, bytes_of, lambda v: f"{v / 1e6:,.1f}"))
    plot("layer_seconds", "Linear layers: seconds", groups("layer", seconds_of, seconds_of, lambda v: f"{v:,.2f}"))
    plot("primitive_bytes", "Primitives: bytes an element (Dyad's with all COTs)",
         groups("primitive", lambda row: row["bits_per_element"] / 8, bytes_of, lambda v: f"{v:,.1f}"))
    plot("primitive_seconds", "Primitives: microseconds an element (Dyad's with all COTs)",
         groups("primitive", lambda row: row["ns_per_element"] / 1e3, lambda peer: peer.get("us"), lambda v: f"{v:,.2f}"))
