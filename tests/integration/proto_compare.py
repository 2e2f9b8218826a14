#!/usr/bin/python3
"""Holds our proto/gobgp.proto against the .proto files that GoBGP publishes.

Every message, field, enum value and method of ours must be in theirs, with the same number, type and
label. Theirs may have more. Both sides are compiled by protoc to descriptor sets and compared there, so
that spelling, comments and order do not matter.

    proto_compare.py OUR.proto THEIR_DIRECTORY
"""
import os
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2

SKIP = 77  # of meson: the test could not run here


def descriptors(folder, name):
    """The files of protoc's descriptor set for folder/name, with what they import."""
    with tempfile.NamedTemporaryFile(suffix=".pb") as out:
        subprocess.run(["protoc", "-I" + folder, "-I/usr/include",
                        "--include_imports", "--descriptor_set_out=" + out.name, name],
                       check=True, cwd=folder)
        files = descriptor_pb2.FileDescriptorSet()
        files.ParseFromString(out.read())
    return [file for file in files.file if not file.name.startswith("google/")]


def statements(files):
    """{what: (number, type, label)} for everything that has a meaning on the wire."""
    found = {}

    def enum(path, descriptor):
        for value in descriptor.value:
            found[f"enum {path}.{descriptor.name}.{value.name}"] = (value.number,)

    def message(path, descriptor):
        name = f"{path}.{descriptor.name}"
        found[f"message {name}"] = ()
        for field in descriptor.field:
            found[f"field {name}.{field.name}"] = (
                field.number, field.Type.Name(field.type), field.Label.Name(field.label),
                field.type_name, field.HasField("oneof_index"))
        for inner in descriptor.nested_type:
            message(name, inner)
        for inner in descriptor.enum_type:
            enum(name, inner)

    for file in files:
        for descriptor in file.message_type:
            message(file.package, descriptor)
        for descriptor in file.enum_type:
            enum(file.package, descriptor)
        for service in file.service:
            for method in service.method:
                found[f"rpc {file.package}.{service.name}.{method.name}"] = (
                    method.input_type, method.output_type,
                    method.client_streaming, method.server_streaming)
    return found


def differences(ours, theirs):
    return [f"{what}: ours {said}, theirs {theirs.get(what, 'nothing')}"
            for what, said in ours.items() if theirs.get(what) != said]


def checks_itself(ours):
    """A comparison that finds nothing must be able to find something."""
    field = "field apipb.AfiSafiState.received"
    changed = {**ours, field: (4, *ours[field][1:])}
    assert len(differences(changed, ours)) == 1
    assert len(differences(ours, {})) == len(ours)


def main():
    our_file, their_folder = sys.argv[1:]
    if not os.path.exists(os.path.join(their_folder, "gobgp.proto")):
        print(f"{their_folder}: golang-github-osrg-gobgp-dev is not installed")
        return SKIP
    ours = statements(descriptors(os.path.dirname(our_file), os.path.basename(our_file)))
    theirs = statements(descriptors(their_folder, "gobgp.proto"))
    checks_itself(ours)
    found = differences(ours, theirs)
    for line in found:
        print(line)
    print(f"{len(ours)} statements of ours, {len(found)} differ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
