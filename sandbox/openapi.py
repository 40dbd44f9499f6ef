"""Checks the bot's requests against Discord's OpenAPI description, if the file is at hand.

Covers HTTP only; rules.py has the rules that the file cannot express. jsonschema is a development
tool: without it, or without the file, this checks nothing.
"""

import functools
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.objects import Json

ENV = "DISCORD_OPENAPI"
KEPT_RESULTS = 64  # results of the last validations
BESIDE_REPOSITORY = Path(__file__).parents[1].parent / "shared/specs/discord-openapi.json"

# Discord accepts more here than its description says: schema -> the truth.
RELAXED: dict[str, Json] = {
    # It answers with strings but also takes integers, and libraries send them (recipient_id,
    # attachments[].id, message_reference.*).
    "SnowflakeType": {
        "anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^(0|[1-9][0-9]*)$"}]
    },
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path in the description."""

    method: str
    path: str
    pattern: re.Pattern[str]
    description: Json
    query: Mapping[str, Json]


class OpenApi:
    """Discord's description of its HTTP API; call it with a request to get its faults."""

    def __init__(self, document: Json) -> None:
        # Imported here: only development needs them.
        from jsonschema import Draft202012Validator  # noqa: PLC0415
        from referencing import Registry, Resource  # noqa: PLC0415
        from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

        document["components"]["schemas"] |= RELAXED
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        registry: Any = Registry().with_resource("urn:discord", resource)  # Any: generic over JSON
        self._operations = sorted(_operations(document), key=lambda op: op.path.count("{"))
        self._schema_at = functools.cache(
            lambda pointer: Draft202012Validator(
                {"$ref": f"urn:discord#{pointer}"}, registry=registry
            )
        )
        self._checked: dict[str, list[str]] = {}  # the last requests -> their faults

    def __call__(self, method: str, path: str, body: object, query: Mapping[str, str]) -> list[str]:
        """The faults of a request, a sentence each; empty if there are none."""
        operation = self._find(method, path)
        if operation is None:
            return ["Discord describes no such operation"]
        return [*self._body_errors(operation, body), *_query_errors(operation, query)]

    def answer_errors(self, method: str, path: str, status: int, body: object) -> list[str]:
        """The faults of our own answer; empty if it has none, or is not described."""
        operation = self._find(method, path)
        described = operation.description["responses"] if operation else {}
        content = described.get(str(status), {}).get("content", {})
        if operation is None or "application/json" not in content:
            return []
        return list(self._schema_errors(operation, f"responses/{status}", body))

    def _schema_errors(self, operation: Operation, part: str, body: object) -> Iterator[str]:
        path = operation.path.replace("~", "~0").replace("/", "~1")
        pointer = (
            f"/paths/{path}/{operation.method.lower()}/{part}/content/application~1json/schema"
        )
        for error in self._schema_at(_quoted(pointer)).iter_errors(body):
            yield from _sentences(error)

    def _find(self, method: str, path: str) -> Operation | None:
        return next(
            (o for o in self._operations if o.method == method and o.pattern.fullmatch(path)), None
        )

    def _body_errors(self, operation: Operation, body: object) -> Iterator[str]:
        described = operation.description.get("requestBody")
        if not described:
            if body is not None:
                yield "Discord expects no body here"
        elif body is None:
            if described.get("required"):
                yield "the body is missing"
        else:
            # The JSON of a multipart upload obeys the same schema as a body that is JSON alone.
            key = f"{operation.method} {operation.path} {json.dumps(body, sort_keys=True)}"
            if key not in self._checked:  # the same commands come at every start of a bot
                errors = list(self._schema_errors(operation, "requestBody", body))
                self._checked = dict([*self._checked.items(), (key, errors)][-KEPT_RESULTS:])
            yield from self._checked[key]


def load_openapi() -> OpenApi | None:
    """The validator, or None if the file or jsonschema is missing."""
    return _read(Path(os.environ.get(ENV) or BESIDE_REPOSITORY))


@functools.cache  # a tenth of a second, and every test starts a sandbox
def _read(file: Path) -> OpenApi | None:
    try:
        return OpenApi(json.loads(file.read_text("utf-8")))
    except (FileNotFoundError, ImportError):
        return None


def _operations(document: Json) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        pattern = re.compile(re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(path)))
        for method in ("get", "post", "put", "patch", "delete"):
            if method in item:
                parameters = item.get("parameters", []) + item[method].get("parameters", [])
                query = {p["name"]: p for p in parameters if p.get("in") == "query"}
                yield Operation(method.upper(), path, pattern, item[method], query)


def _query_errors(operation: Operation, query: Mapping[str, str]) -> Iterator[str]:
    for name in query:
        if name not in operation.query:
            yield f"the query has {name!r}, which Discord does not describe"
    for name, parameter in operation.query.items():
        if parameter.get("required") and name not in query:
            yield f"the query lacks {name!r}"


def _quoted(pointer: str) -> str:
    """A JSON pointer as a URI fragment."""
    return pointer.replace("{", "%7B").replace("}", "%7D")


def _sentences(error: Any) -> Iterator[str]:  # Any: jsonschema's error, imported only if there
    """An error in words; of several alternatives, the closest one's."""
    if not error.context:
        message = error.message  # quotes what was sent, and says at its end what is wrong
        yield f"{error.json_path}: {message if len(message) < 200 else '…' + message[-160:]}"
        return
    branches: dict[int, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    closest = min(branches.values(), key=_distance)
    for inner in closest:
        yield from _sentences(inner)


def _distance(errors: list[Any]) -> tuple[bool, int]:
    """How far off an alternative is: first if it is of another kind, then by its faults."""
    is_other_kind = any(e.validator in ("const", "enum", "type") for e in errors)
    return is_other_kind, len(errors)
