"""curve: figures over sizes as one SVG, both axes logarithmic, readable on white and on black.

Only what these pictures need: panels side by side, a line per series with its name at its right end, names pushed
apart where they would touch."""
import dataclasses
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 470, 430  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 62, 92, 44, 58
LABEL_GAP = 13
# told apart in both themes, and by those who see few colours; the name beside each line says the same again
COLOURS = ("#2f7ed8", "#d9822b", "#3aa655", "#c0487f", "#8763c5", "#8c8c3c", "#2aa3a3", "#b05a3c")
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .note { fill: #59636e; }
  .paper { fill: #ffffff; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .line { fill: none; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .note { fill: #9198a1; }
    .paper { fill: #0d1117; }
    .grid { stroke: #3d444d; }
  }
"""


@dataclasses.dataclass(frozen=True)
class Panel:
    title: str
    units: tuple  # of the vertical axis, ascending: ("ms", "s"), each a thousand of the one before
    series: dict  # name → a figure for each size, above 0; None: not measured


@dataclasses.dataclass(frozen=True)
class Axis:
    """One logarithmic axis over whole decades."""
    low: int
    high: int
    first: float  # where 10^low is drawn
    last: float

    @staticmethod
    def over(values, first, last):
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return Axis(low, max(high, low + 1), first, last)

    def place(self, value):
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return self.first + part * (self.last - self.first)

    def decades(self):
        return [10.0 ** power for power in range(self.low, self.high + 1)]


def short(value, units=("",)):
    """0.1 ms, 10 ms, 1 s, 1,000 s."""
    for unit in units[:-1]:
        if value < 1000:
            return f"{value:g} {unit}"
        value /= 1000
    return f"{value:,.0f} {units[-1]}".rstrip()


def spread(places):
    """Places at least LABEL_GAP apart, in the same order, moved as little as one pass does."""
    moved = {}
    last = -math.inf
    for name, place in sorted(places.items(), key=lambda item: item[1]):
        last = moved[name] = max(place, last + LABEL_GAP)
    return moved


def draw_axes(panel, x, y, sizes, notes):
    out = [f'<text class="title" x="{LEFT}" y="24">{escape(panel.title)}</text>']
    for value in y.decades():
        place = y.place(value)
        out.append(f'<line class="grid" x1="{LEFT}" y1="{place:.1f}" x2="{WIDTH - RIGHT}" y2="{place:.1f}"/>')
        out.append(f'<text x="{LEFT - 8}" y="{place + 4:.1f}" text-anchor="end">'
                   f"{escape(short(value, panel.units))}</text>")
    for size, note in zip(sizes, notes):
        place = x.place(size)
        out.append(f'<line class="grid" x1="{place:.1f}" y1="{TOP}" x2="{place:.1f}" y2="{HEIGHT - BOTTOM}"/>')
        out.append(f'<text x="{place:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{short(size)}</text>')
        out.append(f'<text class="note" x="{place:.1f}" y="{HEIGHT - BOTTOM + 34}" text-anchor="middle">{escape(note)}</text>')
    return out


def draw_panel(panel, sizes, notes, names):
    known = [value for values in panel.series.values() for value in values if value is not None]
    x = Axis(math.log10(sizes[0]), math.log10(sizes[-1]), LEFT + 20, WIDTH - RIGHT - 12)
    y = Axis.over(known, HEIGHT - BOTTOM, TOP)
    out = draw_axes(panel, x, y, sizes, notes)
    ends = {}
    for name, values in panel.series.items():
        points = [(x.place(size), y.place(value)) for size, value in zip(sizes, values) if value is not None]
        if not points:
            continue
        colour = COLOURS[names.index(name) % len(COLOURS)]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        out.append(f'<polyline class="line" stroke="{colour}" points="{path}"/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
        ends[name] = points[-1][1]
    for name, place in spread(ends).items():
        colour = COLOURS[names.index(name) % len(COLOURS)]
        out.append(f'<rect x="{WIDTH - RIGHT}" y="{place - 4:.1f}" width="8" height="8" fill="{colour}"/>')
        out.append(f'<text x="{WIDTH - RIGHT + 12}" y="{place + 4:.1f}">{escape(name)}</text>')
    return out


def draw(title, panels, sizes, axis, notes):
    """The whole picture as text. sizes: ascending, two at least; axis: what they are; notes: a line below each."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.series))
    width = WIDTH * len(panels)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" '
           f'role="img">', f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>",
           f'<rect class="paper" width="{width}" height="{HEIGHT}"/>']
    for number, panel in enumerate(panels):
        out.append(f'<g transform="translate({number * WIDTH} 0)">')
        out += draw_panel(panel, sizes, notes, names)
        out.append(f'<text class="note" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
                   f"{escape(axis)}</text></g>")
    return "\n".join([*out, "</svg>", ""])
