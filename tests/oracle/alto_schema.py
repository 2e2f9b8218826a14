#!/usr/bin/env python3
"""Judges ALTO answers by JSON Schema, apart from our own reading of RFC 7285.

    alto_schema.py MEDIA-TYPE FILE…     judges files; as a module: check(media_type, document)
"""
import json
import pathlib
import sys

import jsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parent / "schemas"


def load(body):
    """JSON of UTF-8 without duplicate member names, which json.loads would swallow."""
    def unique(pairs):
        names = [name for name, _ in pairs]
        if len(names) != len(set(names)):
            raise ValueError("duplicate member name")
        return dict(pairs)
    return json.loads(body.decode("utf-8"), object_pairs_hook=unique)


def check(media_type, document):
    """Raises jsonschema.ValidationError; a media type without a schema is a KeyError of ours."""
    kind = media_type.removeprefix("application/alto-").removesuffix("+json")
    schema = json.loads((SCHEMAS / f"{kind}.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(document)
    if kind == "directory":
        check_references(document)


def check_references(directory):
    """What a schema cannot say: names that must be defined in the same directory."""
    types = directory["meta"].get("cost-types", {})
    resources = directory["resources"]
    assert directory["meta"]["default-alto-network-map"] in resources
    for name, entry in resources.items():
        for used in entry.get("uses", []):
            assert used in resources, f"{name} uses {used}"
        for cost_type in entry.get("capabilities", {}).get("cost-type-names", []):
            assert cost_type in types, f"{name} names {cost_type}"


if __name__ == "__main__":
    for path in sys.argv[2:]:
        check(sys.argv[1], load(pathlib.Path(path).read_bytes()))
