"""spf.*: all shortest paths of the generated backbone, beside python-igraph, networkx, and what no search can do
without. Before anything is timed, all of them must give the same values.

An overloaded router is a split vertex for the libraries, which know nothing of such: links come to one half and leave
from the other, so no path passes."""
import array
import dataclasses
import time

from measure import Group, Skip

NOTHING = 2**64 - 1


@dataclasses.dataclass
class Backbone:
    """The graph as bench_spf wrote it. Parallel arcs are one: the least metric, with how many there are of it."""
    count: int  # routers; the vertices from there on are the leaving halves of overloaded ones
    leaves: list  # of each router: the vertex from which its paths begin
    arcs: dict  # (from, to) → (metric, [delay of each parallel arc of that metric])

    @staticmethod
    def read(path):
        words = [line.split() for line in path.read_text().splitlines()]
        transit = [line[2] == "1" for line in words if line[0] == "vertex"]
        count = size = len(transit)
        leaves = list(range(count))
        for router, passes in enumerate(transit):
            if not passes:
                leaves[router] = size
                size += 1
        arcs = {}
        for line in words:
            if line[0] == "arc":
                source, target, metric, delay = map(int, line[1:])
                key = leaves[source], target
                known = arcs.get(key, (metric + 1, []))
                if metric < known[0]:
                    arcs[key] = (metric, [delay])
                elif metric == known[0]:
                    known[1].append(delay)
        return Backbone(count, leaves, arcs)

    def size(self):
        return max([self.count, *(vertex + 1 for vertex in self.leaves)])


def read_values(path, count):
    """Distances, hops and means, each a matrix as one array."""
    words = array.array("Q", path.read_bytes())
    cells = count * count
    return words[:cells], words[cells:2 * cells], words[2 * cells:]


def in_igraph(backbone):
    import igraph
    graph = igraph.Graph(n=backbone.size(), edges=list(backbone.arcs), directed=True)
    graph.es["metric"] = [metric for metric, _ in backbone.arcs.values()]
    sources, targets = backbone.leaves, list(range(backbone.count))
    return lambda: graph.distances(source=sources, target=targets, weights="metric")


def in_networkx(backbone):
    import networkx
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(backbone.size()))
    for (source, target), (metric, delays) in backbone.arcs.items():
        graph.add_edge(source, target, metric=metric, ways=len(delays), delay=sum(delays))
    return lambda: [three_values(networkx, graph, leaf) for leaf in backbone.leaves]


def three_values(networkx, graph, source):
    """{vertex: (distance, hops, paths, sum of delays over all paths)}, as one would write it over networkx."""
    before, distances = networkx.dijkstra_predecessor_and_distance(graph, source, weight="metric")
    values = {source: (0, 0, 1, 0)}
    for vertex, distance in distances.items():  # ascending: a vertex's predecessors stand before it
        if vertex == source:
            continue
        hops, paths, delay = NOTHING, 0, 0
        for other in before[vertex]:
            edge = graph.adj[other][vertex]
            _, other_hops, other_paths, other_delay = values[other]
            hops = min(hops, other_hops + 1)
            paths += other_paths * edge["ways"]
            delay += other_delay * edge["ways"] + other_paths * edge["delay"]
        values[vertex] = (distance, hops, paths, delay)
    return values


def check_igraph(backbone, ours, theirs):
    distances = ours[0]
    for source, row in enumerate(theirs):
        for target, distance in enumerate(row):
            wanted = distances[source * backbone.count + target]
            if source != target and distance != (float("inf") if wanted == NOTHING else wanted):
                raise ValueError(f"igraph from {source} to {target}: {distance}, ours {wanted}")


def check_networkx(backbone, ours, theirs):
    for source, values in enumerate(theirs):
        for target in range(backbone.count):
            at = source * backbone.count + target
            wanted = tuple(matrix[at] for matrix in ours)
            if target == source:
                got = (0, 0, 0)
            elif target in values:
                distance, hops, paths, delay = values[target]
                got = (distance, hops, (2 * delay + paths) // (2 * paths))  # half up
            else:
                got = (NOTHING,) * 3
            if got != wanted:
                raise ValueError(f"networkx from {source} to {target}: {got}, ours {wanted}")


def timed_ms(function):
    start = time.monotonic()
    function()
    return (time.monotonic() - start) * 1e3


def compare(bench, state, name, prepare, check, against, goal):
    """One library: the same values first, then both in turns."""
    theirs = None
    if not bench.quick:
        graph, values = bench.scratch / "graph.txt", bench.scratch / "values"
        bench.command([bench.build / "tests/bench/bench_spf", state, graph, values])
        backbone = Backbone.read(graph)
        try:
            theirs = prepare(backbone)
        except ImportError as error:
            raise Skip(f"{error.name} is not installed") from error
        check(backbone, read_values(values, backbone.count), theirs())
    ours, other = bench.interleave(
        lambda: bench.figures("bench_spf", state, "one_thread", rounds=1)["one_thread"].value,
        lambda: timed_ms(theirs))
    bench.row(name, ours, "ms", against=against, other=other, goal=goal)


def small_state(bench):
    """The graph alone: routes do not matter here."""
    return bench.input(ipv4=3_000, ipv6=3_000).state


def igraph(bench):
    compare(bench, small_state(bench), "spf.3metrics.1t", in_igraph, check_igraph, "igraph-python, 1 metric", ">=5")


def networkx(bench):
    compare(bench, small_state(bench), "spf.networkx", in_networkx, check_networkx, "networkx, the same 3 values", ">=80")


def own(bench):
    figures = bench.figures("bench_spf", small_state(bench))
    one = figures["one_thread"].value
    bench.row("spf.bound", one, "ms", "each arc relaxed once in a known order", figures["bound"].value, "<=1.7")
    bench.row("spf.2t", figures["two_threads"].value, "ms", "one thread", one, ">=1.8")
    bench.row("spf.wide", figures["wide"].value, "ms", "metrics as they are", one, "<=1.1")


ROWS = [
    Group(names=("spf.3metrics.1t",), run=igraph),
    Group(names=("spf.networkx",), run=networkx),
    Group(names=("spf.bound", "spf.2t", "spf.wide"), run=own),
]
