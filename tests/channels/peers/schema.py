"""Cuts the messaging part out of Twilio's OpenAPI document, with two patches.

The document comes from Twilio's npm package `@twilio/cli-core` at test time. The whole of it takes
Prism 13 seconds to read, the part about one. The patches are about Prism and Twilio, not about us:
arrays in urlencoded bodies need an `encoding` (else Prism asks for a JSON array), and the `*_uri`
fields of lists are declared `format: uri` although Twilio itself sends relative ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PATHS = re.compile(r"^/2010-04-01/Accounts/\{AccountSid\}/Messages[./]")
_FORM = "application/x-www-form-urlencoded"
_ARRAY = {"style": "form", "explode": True, "allowReserved": True}


def cut(source: Path, target: Path) -> None:
    """Write the patched messaging part of Twilio's document `source` to `target`."""
    whole = json.loads(source.read_text("utf-8"))
    paths = {path: item for path, item in whole["paths"].items() if _PATHS.match(path)}
    part = {
        "openapi": whole["openapi"],
        "info": whole["info"],
        "servers": whole["servers"],
        "security": whole["security"],
        "paths": paths,
        "components": {
            "securitySchemes": whole["components"]["securitySchemes"],
            "schemas": _reachable(whole, paths),
        },
    }
    for operation in _operations(paths):
        _allow_arrays(operation)
        _allow_relative_uris(operation)
    target.write_text(json.dumps(part), "utf-8")


def _operations(paths: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in paths.values():
        yield from (item[method] for method in ("get", "post", "delete") if method in item)


def _reachable(whole: dict[str, Any], part: object) -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    todo = list(_references(part))
    while todo:
        name = todo.pop().removeprefix("#/components/schemas/")
        if name not in schemas:
            schemas[name] = whole["components"]["schemas"][name]
            todo += _references(schemas[name])
    return schemas


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _references(inner)


def _allow_arrays(operation: dict[str, Any]) -> None:
    form = operation.get("requestBody", {}).get("content", {}).get(_FORM, {})
    fields = form.get("schema", {}).get("properties", {})
    arrays = {name: _ARRAY for name, schema in fields.items() if schema.get("type") == "array"}
    if arrays:
        form["encoding"] = arrays


def _allow_relative_uris(operation: dict[str, Any]) -> None:
    for response in operation["responses"].values():
        for content in response.get("content", {}).values():
            for name, schema in content["schema"].get("properties", {}).items():
                if name == "uri" or name.endswith("_uri"):
                    schema.pop("format", None)
