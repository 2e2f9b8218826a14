#!/usr/bin/env python3
"""Writes the first seeds of corpus/ from tests/data: whole messages as the targets take them."""
import importlib
import json
import pathlib
import sys

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

for file in ('huawei-locrib', 'cisco-rd-instance', 'frr-views'):
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


def protobuf(number, value):
    """A field of a protobuf message: a number, a text or octets, or a message made of such fields."""
    def varint(n):
        out = bytearray()
        while n > 0x7f:
            out.append(n & 0x7f | 0x80)
            n >>= 7
        return bytes(out + bytes([n]))

    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    octets = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(octets)) + octets


# GoBGP's answers, by the numbers of proto/gobgp.proto
path = protobuf(20, bytes.fromhex('18c00002')) + protobuf(21, bytes.fromhex('40010100')) + \
    protobuf(21, bytes.fromhex('4003040a000001')) + protobuf(21, bytes.fromhex('40020602010000fbf4'))
write('gobgp', 'global', b'\0' + protobuf(1, protobuf(1, 64500) + protobuf(2, '192.0.2.1') + protobuf(3, 179)
                                         + protobuf(4, '127.0.0.1')))
write('gobgp', 'path', b'\4' + protobuf(1, protobuf(1, '192.0.2.0/24') + protobuf(2, path)))

write('negotiate', 'browser', b'text/html,application/alto-costmap+json;q=0.9,*/*;q=0.1\ngzip, deflate, br, zstd;q=0.5\n'
      b'W/"0123456789abcdef", "x"\nSun, 06 Nov 1994 08:49:37 GMT\napplication/json; charset="utf-8"')
write('negotiate', 'dates', b'*/*\nidentity;q=0,*\n*\nSunday, 06-Nov-94 08:49:37 GMT\nSun Nov  6 08:49:37 1994')
for index, text in enumerate(('192.0.2.0/24', '2001:db8::/32', '::ffff:192.0.2.1', '0.0.0.0/0', '::/0', '1:2:3:4:5:6:7:8/128',
                              '192.0.2.256', '2001:db8::1%eth0', '192.0.02.1/24')):
    write('prefix', f'text-{index}', text.encode())
for name in ('kinds', 'triangle'):
    write('scenario', name, (top.parent / 'lab' / 'scenarios' / f'{name}.yaml').read_bytes())

# Recordings, by those who test with them.
sys.path.insert(0, str(top.parent / 'integration'))
makers = importlib.import_module('lab_replay')
one = makers.update(b'\x08\x0a')
said = makers.open_message(path_ids=((1, 1),)) + one
segments = [makers.packet(9, b'', 1, flags=2), makers.packet(60, said[50:], 2), makers.packet(10, said[:60], 3)]
route = makers.ATTRIBUTES + makers.NEXT_HOP
write('recording', 'messages', makers.bgp4mp(4, said[:-len(one)]) + makers.bgp4mp(9, one) + makers.bgp4mp(7, one))
write('recording', 'old-messages', makers.bgp4mp(1, one, 2) + makers.mrt(17, 0, bytes(24)))
write('recording', 'table', makers.PEERS + makers.rib(2, 0, 8, b'\x0a', [makers.entry(0, route)])
      + makers.rib(4, 1, 32, b'\x20\x01\x0d\xb8', [makers.entry(1, makers.ATTRIBUTES + makers.NEXT_HOP_6)]))
write('recording', 'table-of-paths', makers.PEERS + makers.rib(8, 0, 8, b'\x0a', [makers.entry(0, route, 7)]))
for index, (link_type, link, is_ipv6) in enumerate(makers.LINKS):
    frames = [makers.packet(10, said, 1, link, is_ipv6=is_ipv6)]
    write('recording', f'link-{index}', makers.pcap(frames, link_type, '<>'[index % 2]))
write('recording', 'pcap', makers.pcap(segments))
write('recording', 'pcapng', makers.pcapng(segments))
for index, (octets, _) in enumerate(makers.damaged()):
    write('recording', f'damaged-{index}', octets)


def cell(column, which, kind, octets):
    """A record of cells.h."""
    return column.to_bytes(2, 'big') + bytes([which, kind, len(octets)]) + octets


for target in ('snapshot', 'state'):
    write(target, 'as-it-is', b'\0')
    for kind, octets in enumerate((b'', b'\x7f' + b'\xff' * 7, b'\x01', b'[[]', b'\0' * 8)):
        write(target, f'each-{kind}', b''.join(cell(column, 0, kind, octets) for column in range(0, 160, 9)))
