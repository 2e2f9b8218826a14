"""Snapshots made by plain SQL from schemas/, so that the server is not judged by our own writer."""
import hashlib
import os
import pathlib
import sqlite3
import time

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"


def tag_of(*parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def write_snapshot(path, pids, costs, number=1, time_us=1_700_000_000_000_000, contexts=None, name="netmap"):
    """pids: name -> (IPv4 prefixes, IPv6 prefixes). costs: metric -> {source: {destination: digits}}."""
    names = sorted(pids)
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    db.executescript((SCHEMAS / "snapshot.sql").read_text(encoding="utf-8"))
    map_tag = tag_of(pids)
    db.execute("INSERT INTO snapshot VALUES (1,?,?,?,?,'g',1,?,'0','0','default',0,0,'[]','{}')",
               (number, name, map_tag, time_us, time_us))
    for rank, pid in enumerate(names):
        ipv4, ipv6 = pids[pid]
        db.execute("INSERT INTO pid VALUES (?,?,'class',?,?)", (rank, pid, len(ipv4), len(ipv6)))
        for family, prefixes in (("ipv4", ipv4), ("ipv6", ipv6)):
            if prefixes:
                text = "[" + ",".join(f'"{p}"' for p in prefixes) + "]"
                db.execute("INSERT INTO prefix_list VALUES (?,?,?)", (rank, family, text))
    for metric_id, (metric, rows) in enumerate(sorted(costs.items())):
        pairs = sum(len(row) for row in rows.values())
        db.execute("INSERT INTO metric VALUES (?,?,'',NULL,?,?,?)",
                   (metric_id, metric, (contexts or {}).get(metric), tag_of(map_tag, metric, rows), pairs))
        for source, row in rows.items():
            width = max(len(digits) for digits in row.values())
            cells = "".join(row.get(pid, "").rjust(width) for pid in names)
            db.execute("INSERT INTO cost_row VALUES (?,?,?,?)",
                       (metric_id, names.index(source), width, cells.encode()))
    db.commit()
    db.close()
    return map_tag


def make_current(directory, name):
    """Lets `current` point at a file, in one step."""
    link = os.path.join(directory, "current.new")
    os.symlink(name, link)
    os.rename(link, os.path.join(directory, "current"))


def write_status(directory, snapshot, confirmed_us=None):
    now = int(time.time() * 1e6)
    path = os.path.join(directory, "status.db.new")
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    db.executescript((SCHEMAS / "status.sql").read_text(encoding="utf-8"))
    db.execute("INSERT INTO status (only,map,written_us,version,pid,phase,message,snapshot,number,tag,sequence,"
               "confirmed_us) VALUES (1,'netmap',?,'0',1,'running','',?,1,?,1,?)",
               (now, snapshot, tag_of(snapshot), confirmed_us or now))
    db.commit()
    db.close()
    os.rename(path, os.path.join(directory, "status.db"))
