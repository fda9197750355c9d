# SPDX-License-Identifier: Apache-2.0
"""Bar charts as SVG, without a library: groups of bars, each group on a scale of its own, each bar with its figure."""
import pathlib
from xml.sax.saxutils import escape

COLOURS = {"dyad": "#1f6fb2", "cheetah": "#e08a2c", "sci": "#8a8f98", "seconnds": "#58a55c", "spu": "#a05fb0"}
WIDTH, LABELS, FIGURES, BAR, GAP = 760, 210, 110, 16, 12


def bars(title, groups, names):
    """`groups`: [(label, [(system, value, text)])]; `names`: system -> name in the legend."""
    used = [system for system in names if any(bar[0] == system for _, row in groups for bar in row)]
    parts, y = [], 58
    for label, row in groups:
        largest = max(value for _, value, _ in row) or 1
        middle = y + len(row) * BAR / 2 + 4
        parts.append(f'<text x="{LABELS - 10}" y="{middle:.0f}" text-anchor="end">{escape(label)}</text>')
        for system, value, text in row:
            length = max(1.0, value / largest * (WIDTH - LABELS - FIGURES))
            parts.append(f'<rect x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR - 3}" fill="{COLOURS[system]}"/>')
            parts.append(f'<text x="{LABELS + length + 6:.1f}" y="{y + 11}" font-size="11">{escape(text)}</text>')
            y += BAR
        y += GAP
    legend, x = [], LABELS
    for system in used:
        legend.append(f'<rect x="{x}" y="34" width="11" height="11" fill="{COLOURS[system]}"/>')
        legend.append(f'<text x="{x + 16}" y="44" font-size="11">{escape(names[system])}</text>')
        x += 34 + 6.2 * len(names[system])
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 4}" viewBox="0 0 {WIDTH} {y + 4}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{WIDTH}" height="{y + 4}" fill="#fff"/>',
        f'<text x="16" y="22" font-size="15" font-weight="bold">{escape(title)}</text>', *legend, *parts, "</svg>", ""])


def write(folder, name, text):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.svg").write_text(text)
