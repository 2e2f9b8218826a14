"""Prints gen_fitted.h from a directory with the three tables of docs/benchmarks.md ("The input").

    /usr/bin/python3 tests/bench/gen_fit.py DIRECTORY | clang-format >tests/bench/gen_fitted.h

prefixes-2024.txt.gz gives the lengths of what nothing covers and the more-specifics directly below a prefix
of each length; origins-2015.txt.gz how many prefixes an AS originates; paths-sample.jsonl.gz what neighbours
say of a prefix. Weights of /24 and /48 are then bent until the mix is what docs/benchmarks.md asks.
"""

import bisect
import collections
import gzip
import ipaddress
import json
import pathlib
import sys

V4_ROWS = [(8, 11), (12, 12), (13, 13), (14, 14), (15, 15)] + [(n, n) for n in range(16, 25)]
V6_ROWS = [(16, 28), (29, 29), (30, 31), (32, 32), (33, 35), (36, 39), (40, 43), (44, 47), (48, 48)]
CHILD_QUANTILES = (0, 0.25, 0.50, 0.75, 0.90, 0.95, 0.98, 0.99, 0.995)
SIZE_QUANTILES = (0, 0.393, 0.394, 0.54, 0.63, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999, 1)
FULL = 0.7  # a neighbour that tells at least this share of the sample's prefixes tells all it has


def read_prefixes(path):
    """Sorted (address, length) by family; IPv6 by its upper 64 bits."""
    lists = {4: set(), 6: set()}
    with gzip.open(path, "rt", encoding="ascii") as lines:
        for line in lines:
            net = ipaddress.ip_network(line.strip())
            if net.version == 6 and net.prefixlen > 64:
                continue
            lists[net.version].add((int(net.network_address) >> (64 if net.version == 6 else 0), net.prefixlen))
    return {family: sorted(prefixes) for family, prefixes in lists.items()}


def nesting(prefixes, bits):
    """Lengths that nothing covers; of each length how many children its prefixes have, and their lengths."""
    tops, children, fans = collections.Counter(), collections.defaultdict(collections.Counter), collections.defaultdict(list)
    open_ones = []  # [address, length, children so far]

    def close():
        _, length, count = open_ones.pop()
        fans[length].append(count)

    for address, length in prefixes:
        while open_ones and open_ones[-1][0] >> (bits - open_ones[-1][1]) != address >> (bits - open_ones[-1][1]):
            close()
        if open_ones:
            children[open_ones[-1][1]][length] += 1
            open_ones[-1][2] += 1
        else:
            tops[length] += 1
        open_ones.append([address, length, 0])
    while open_ones:
        close()
    return tops, children, fans


def numbers(values):
    return ", ".join(map(str, values))


def quantile(values, share):
    return values[min(len(values) - 1, int(share * len(values)))]


def print_family(name, base, last, rows, prefixes, bits, bent, factor):
    tops, children, fans = nesting(prefixes, bits)

    def weights(counts):
        bend = {length: count * (factor if length == bent else 1) for length, count in counts.items()}
        total = sum(bend.values()) or 1
        return numbers(round(100000 * bend.get(length, 0) / total) for length in range(base, last + 1))

    print(f"/* {name}: per 100,000, from /{base} to /{last}. */")
    print(f"static const uint32_t {name}_tops[] = {{{weights(tops)}}};\n")
    print(f"static const struct fitted_parent {name}_parents[] = {{")
    for low, high in rows:
        fan, lengths = [], collections.Counter()
        for length in range(low, high + 1):
            fan += fans[length]
            lengths.update(children[length])
        some = sorted(count for count in fan if count)
        quantiles = numbers(quantile(some, share) for share in CHILD_QUANTILES)
        print(f"    {{{low}, {high}, {round(10000 * len(some) / len(fan))}, {{{quantiles}}},\n     {{{weights(lengths)}}}}},")
    print("};\n")


def print_origins(path):
    sizes = collections.defaultdict(collections.Counter)
    with gzip.open(path, "rt", encoding="ascii") as lines:
        for line in lines:
            prefix, origin = line.split("\t")
            sizes[6 if ":" in prefix else 4][origin.strip()] += 1
    shares = numbers(round(10000 * share) for share in SIZE_QUANTILES)
    print("/* Prefixes of an origin: the size below which so many of 10,000 origins are. */")
    print(f"static const uint32_t origin_shares[] = {{{shares}}};")
    for family in (4, 6):
        ordered = sorted(sizes[family].values())
        print(f"static const uint32_t ipv{family}_origin_sizes[] = {{{numbers(quantile(ordered, s) for s in SIZE_QUANTILES)}}};")
    print()


def read_tables(path):
    tables = []
    with gzip.open(path, "rt", encoding="ascii") as lines:
        for line in lines:
            item = json.loads(line)
            if "source" in item:
                tables.append([])
            else:
                tables[-1].append(item["r"])
    return tables


def hops(path):
    ases = path.split()
    return len(ases), sum(1 for i, asn in enumerate(ases) if i == 0 or ases[i - 1] != asn)


def per_100000(counts, last):
    total = sum(counts.values())
    cut = collections.Counter()
    for value, count in counts.items():
        cut[min(value, last)] += count
    return numbers(round(100000 * cut[value] / total) for value in range(last + 1))


def print_paths(tables):
    best, prepends, communities, codes = (collections.Counter() for _ in range(4))
    meds, said = [], collections.Counter()
    groups = collections.defaultdict(lambda: [0, 0])
    for rows in tables:
        for row in rows:
            length, count = min(hops(path) for _, path, _, _, _ in row)
            best[count] += 1
            for _, path, code, med, tags in row:
                length, count = hops(path)
                prepends[length - count] += 1
                communities[tags] += 1
                codes[code] += 1
                said["none" if med is None else "some" if med else "zero"] += 1
                meds += [med] if med else []
        count_groups(rows, groups)
    meds.sort()
    print(f"/* ASes of the shortest path, from 0. */\nstatic const uint32_t path_hops[] = {{{per_100000(best, 8)}}};")
    print(f"/* Repetitions in a path, from 0. */\nstatic const uint32_t path_prepends[] = {{{per_100000(prepends, 10)}}};")
    print(f"/* Communities of a path, from 0. */\nstatic const uint32_t path_communities[] = {{{per_100000(communities, 12)}}};")
    print(f"/* IGP, EGP, incomplete. */\nstatic const uint32_t path_origins[] = {{{per_100000(codes, 2)}}};")
    total = sum(said.values())
    print("/* No MED, MED 0, another; and the values of these at tenths of them. */")
    print(f"static const uint32_t path_meds[] = {{{numbers(round(100000 * said[k] / total) for k in ('none', 'zero', 'some'))}}};")
    print(f"static const uint32_t med_values[] = {{{numbers(quantile(meds, n / 10) for n in range(11))}}};\n")
    bounds = sorted(groups)
    print("/* Sets of attributes of an origin with at least so many prefixes, in hundredths. */")
    print(f"static const struct fitted_groups origin_groups[] = {{{numbers(f'{{{b}, {round(100 * groups[b][1] / groups[b][0])}}}' for b in bounds)}}};")


def count_groups(rows, groups):
    """By the origin's prefixes in one neighbour's table: how many sets of attributes they have."""
    bounds = (1, 2, 3, 4, 8, 16, 32, 64, 128)
    tables = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in rows:
        for neighbour, path, code, med, tags in row:
            tables[neighbour][path.split()[-1]].append((path, code, med, tags))
    for table in tables.values():
        if sum(map(len, table.values())) < FULL * len(rows):
            continue
        for routes in table.values():
            bound = bounds[bisect.bisect_right(bounds, len(routes)) - 1]
            groups[bound][0] += 1
            groups[bound][1] += len(set(routes))


def main(directory):
    directory = pathlib.Path(directory)
    prefixes = read_prefixes(directory / "prefixes-2024.txt.gz")
    print("""/* gen_fitted: the shapes of real tables, as gen_fit.py found them. Made by it: change it there.
 *
 * Sources: a full table of January 2024 (prefixes), Route Views 2014 and 2015 (origins, paths; University of
 * Oregon Route Views Project). */
#pragma once

#include <stdint.h>

enum { CHILD_QUANTILES = 9, FITTED_LENGTHS = 49 };

/* More-specifics directly below a prefix of length [from, to]. */
struct fitted_parent {
    uint8_t from, to;
    uint16_t some;                      // of 10,000 have any
    uint32_t children[CHILD_QUANTILES]; // how many then, where so many of 10,000 have fewer
    uint32_t lengths[FITTED_LENGTHS];   // their lengths, per 100,000
};

struct fitted_groups {
    uint32_t prefixes, groups_hundredths;
};
""")
    shares = numbers(round(10000 * share) for share in CHILD_QUANTILES)
    print(f"static const uint32_t child_shares[CHILD_QUANTILES] = {{{shares}}};\n")
    print_family("ipv4", 8, 32, V4_ROWS, prefixes[4], 32, 24, 0.66)
    print_family("ipv6", 16, 64, V6_ROWS, prefixes[6], 64, 48, 1.12)
    print_origins(directory / "origins-2015.txt.gz")
    print_paths(read_tables(directory / "paths-sample.jsonl.gz"))


if __name__ == "__main__":
    main(*sys.argv[1:])
