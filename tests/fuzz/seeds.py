#!/usr/bin/env python3
"""Writes the first seeds of corpus/ from tests/data: whole messages as the targets take them."""
import json
import pathlib

top = pathlib.Path(__file__).resolve().parent
data = top.parent / 'data'


def write(target, name, octets):
    folder = top / 'corpus' / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(octets)


def attributes(message):
    """Code and value of each path attribute of an UPDATE whose lengths are right."""
    at = 19 + 2 + int.from_bytes(message[19:21], 'big')
    end = at + 2 + int.from_bytes(message[at:at + 2], 'big')
    at += 2
    while at + 3 <= end:
        width = 2 if message[at] & 0x10 else 1
        length = int.from_bytes(message[at + 2:at + 2 + width], 'big')
        yield message[at + 1], message[at + 2 + width:at + 2 + width + length]
        at += 2 + width + length


for file in ('captures', 'test-vectors'):
    for capture in json.loads((data / 'bgp-ls' / f'{file}.json').read_text()):
        message = bytes.fromhex(capture['update_hex'])
        if message[18] == 1:
            write('bgp_open', capture['id'], message[19:])
            continue
        write('bgp_update', capture['id'], b'\x01' + message[19:])
        found = dict(attributes(message))
        if 14 in found:
            reach = found[14]
            attribute = found.get(29, b'')
            write('bgp_ls', capture['id'],
                  len(attribute).to_bytes(2, 'big') + attribute + reach[5 + reach[3]:])

for file in ('huawei-locrib', 'cisco-rd-instance'):
    messages = [bytes.fromhex(m) for m in json.loads((data / 'bmp' / f'{file}.json').read_text())['messages_hex']]
    for begin in range(0, len(messages), 40):
        write('bmp', f'{file}-{begin}', b''.join(messages[begin:begin + 40]))
    ups = [m for m in messages if m[5] == 3]
    for index, up in enumerate(ups[:4]):
        at = 6 + 42 + 20
        for side in range(2):
            length = int.from_bytes(up[at + 16:at + 18], 'big')
            write('bgp_open', f'{file}-{index}-{side}', up[at + 19:at + length])
            at += length
