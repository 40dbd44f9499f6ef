"""OpenAI's OpenAPI description, to check our requests and our fake's answers."""

import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FILE = Path(__file__).parents[2].parent / "shared/specs/openai-openapi.json"

Json = dict[str, Any]


class Spec:
    """Call `request` and `answer` to get what is wrong."""

    def __init__(self) -> None:
        document = json.loads(FILE.read_text("utf-8"))
        self.mended = _mend(document)
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self._registry: Any = Registry().with_resource("urn:openai", resource)
        self._paths = document["paths"]

    def request(
        self, method: str, path: str, query: Json, body: Json | None, kind: str
    ) -> list[str]:
        """Faults of a request with a body of the content type `kind`."""
        template = self._template(path)
        if template is None or method.lower() not in self._paths[template]:
            return [f"no operation {method} {path}"]
        operation = self._paths[template][method.lower()]
        known = {p["name"] for p in operation.get("parameters", []) if p.get("in") == "query"}
        faults = [f"{path}: query {name} is unknown" for name in query if name not in known]
        if body is None:
            return faults
        schema = ["paths", template, method.lower(), "requestBody", "content", kind, "schema"]
        return faults + self._faults(schema, body)

    def answer(self, method: str, path: str, status: str, body: Json) -> list[str]:
        """Faults of an answer in JSON."""
        schema = ["paths", str(self._template(path)), method.lower(), "responses", status]
        return self._faults([*schema, "content", "application/json", "schema"], body)

    def _template(self, path: str) -> str | None:
        for template in self._paths:
            if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
                return str(template)
        return None

    def _faults(self, keys: list[str], value: Json) -> list[str]:
        escaped = [key.replace("~", "~0").replace("/", "~1") for key in keys]
        pointer = "/".join(escaped).replace("{", "%7B").replace("}", "%7D")
        validator = Draft202012Validator(
            {"$ref": f"urn:openai#/{pointer}"}, registry=self._registry
        )
        return [
            f"{'/'.join(keys[1:3])} {e.json_path}: {e.message}"
            for e in validator.iter_errors(value)
        ]


def _mend(node: Any) -> int:
    """Write each `exclusiveMinimum: true`, of an older JSON Schema, as a number; counts them."""
    if isinstance(node, list):
        return sum(map(_mend, node))
    if not isinstance(node, dict):
        return 0
    count = sum(map(_mend, node.values()))
    if isinstance(strict := node.get("exclusiveMinimum"), bool):
        del node["exclusiveMinimum"]
        count += 1
        if strict:
            node["exclusiveMinimum"] = node.pop("minimum")
    return count
