"""The endpoint property service over Flask, as one would write it in Python with care: a peer of the server.

Answers POST /endpointprop from the snapshot that ALTIMETER_SNAPSHOT names, by one dictionary a prefix length, longest
first. The bytes of its answers are those of altimeter-server, but it forgives mistakes that the server refuses.
"""
import ipaddress
import json
import os
import sqlite3

import flask

BITS = {"ipv4": 32, "ipv6": 128}


def read_map(path):
    """The map's name and tag, and the dictionaries: {family: [(bits to drop, {leading bits: PID})]}."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    name, tag = db.execute("SELECT map, tag FROM snapshot").fetchone()
    by_length = {family: {} for family in BITS}
    for pid, family, prefixes in db.execute("SELECT name, family, list FROM prefix_list JOIN pid USING (pid_id)"):
        for prefix in json.loads(prefixes):
            address, length = prefix.split("/")
            drop = BITS[family] - int(length)
            leading = int(ipaddress.ip_address(address)) >> drop
            by_length[family].setdefault(drop, {})[leading] = pid
    db.close()
    return name, tag, {family: sorted(tables.items()) for family, tables in by_length.items()}


MAP, TAG, TABLES = read_map(os.environ["ALTIMETER_SNAPSHOT"])
PROPERTY = f"{MAP}.pid"
app = flask.Flask(__name__)


def find(endpoint):
    family, address = endpoint.split(":", 1)
    number = int(ipaddress.IPv4Address(address) if family == "ipv4" else ipaddress.IPv6Address(address))
    for drop, table in TABLES[family]:
        pid = table.get(number >> drop)
        if pid is not None:
            return {PROPERTY: pid}
    return {}


@app.post("/endpointprop")
def endpoint_properties():
    request = json.loads(flask.request.get_data())
    if request["properties"] != [PROPERTY]:
        return {"meta": {"code": "E_INVALID_FIELD_VALUE", "field": "properties"}}, 400
    answer = {"meta": {"dependent-vtags": [{"resource-id": MAP, "tag": TAG}]},
              "endpoint-properties": {endpoint: find(endpoint) for endpoint in request["endpoints"]}}
    return flask.Response(json.dumps(answer, separators=(",", ":")), mimetype="application/alto-endpointprop+json")
