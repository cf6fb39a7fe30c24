"""`generate_content` by Google's client, of the Gemini API and of Vertex AI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aimon_nb.views.as_code.keys import key_of
from aimon_nb.views.as_code.layout import client_line, layout
from aimon_nb.views.as_code.literal import Expression, call
from aimon_nb.views.as_code.media import MediaFiles, in_bytes, type_beside
from aimon_nb.views.as_code.request import Request

_OWN = "https://generativelanguage.googleapis.com"
_PATH = re.compile(
    r"(?P<base>.*)/(?P<version>v\d\w*)/"
    r"(?:projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/)?"
    r"(?P<publisher>publishers/google/)?(?P<model>(?:models|tunedModels)/[^/:]+)"
    r":(?P<verb>generateContent|streamGenerateContent)"
)
# What the client's types know: they refuse a field beyond these.
_BESIDE = ("systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent", "labels")
GENERATION = frozenset(
    (
        *("temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences"),
        *("responseLogprobs", "logprobs", "presencePenalty", "frequencyPenalty", "seed"),
        *("responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities"),
        *("mediaResolution", "speechConfig", "thinkingConfig", "imageConfig"),
    )
)
PARTS = frozenset(
    (
        *("text", "inlineData", "fileData", "functionCall", "functionResponse", "thought"),
        *("thoughtSignature", "executableCode", "codeExecutionResult", "videoMetadata"),
    )
)
SCHEMA = frozenset(
    (
        *("anyOf", "default", "description", "enum", "example", "format", "items", "maxItems"),
        *("maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties"),
        *("minimum", "nullable", "pattern", "properties", "propertyOrdering", "required"),
        *("title", "type"),
    )
)
_STREAM = """for chunk in stream:
    print(chunk.text or "", end="")"""
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def generate_content(request: Request) -> str | None:
    """Return a request for content as code; None for one that the client cannot send."""
    place = _PATH.fullmatch(request.address)
    if place is None or not request.is_object or not _is_known(request.content):
        return None
    media = MediaFiles(as_bytes=True)
    contents = [_content(one, media) for one in request.content["contents"]]
    text = _only_text(contents[0]) if len(contents) == 1 else None
    config = _config(request.content, media)
    model = place["model"].removeprefix("models/")
    arguments = {"model": model, "contents": contents if text is None else text}
    if config:
        arguments["config"] = config
    is_stream = place["verb"].startswith("stream")
    name = "stream" if is_stream else "response"
    create = f"client.models.generate_content{'_stream' * is_stream}"
    made = f"{name} = {call(create, arguments, before=len(name) + 3)}"
    read = _STREAM if is_stream else "print(response.text)"
    return layout("from google import genai", media, [_client(request, place), "", made, read])


def _is_known(body: Mapping[str, Any]) -> bool:
    """Return whether the client's types have a place for all that stands in a body."""
    contents, generation = body.get("contents"), body.get("generationConfig", {})
    if not isinstance(contents, list) or not isinstance(generation, dict):
        return False
    if not body.keys() <= {"contents", "generationConfig", *_BESIDE}:
        return False
    beside = [body["systemInstruction"]] if "systemInstruction" in body else []
    if not all(_is_content(one) for one in [*contents, *beside]) or not contents:
        return False
    tools = body.get("tools", [])
    if not isinstance(tools, list) or not all(_is_tool(one) for one in tools):
        return False
    return generation.keys() <= GENERATION and _is_schema(generation.get("responseSchema", {}))


def _is_content(content: Any) -> bool:
    if not isinstance(content, dict) or not content.keys() <= {"role", "parts"}:
        return False
    parts = content.get("parts")
    if not isinstance(parts, list):
        return False
    return all(isinstance(one, dict) and one.keys() <= PARTS and _has_bytes(one) for one in parts)


def _has_bytes(part: Mapping[str, Any]) -> bool:
    inline = part.get("inlineData", {"data": ""})
    told = [inline.get("data") if isinstance(inline, dict) else None]
    return all(isinstance(one, str) for one in [*told, part.get("thoughtSignature", "")])


def _is_tool(tool: Any) -> bool:
    functions = tool.get("functionDeclarations", []) if isinstance(tool, dict) else None
    return isinstance(functions, list) and all(
        isinstance(one, dict) and _is_schema(one.get("parameters", {})) for one in functions
    )


def _is_schema(schema: Any) -> bool:
    if not isinstance(schema, dict) or not schema.keys() <= SCHEMA:
        return False
    kind, properties = schema.get("type", "OBJECT"), schema.get("properties", {})
    # The client writes types in capitals, as the API does.
    if not isinstance(kind, str) or kind != kind.upper() or not isinstance(properties, dict):
        return False
    below = [*properties.values(), *([schema["items"]] if "items" in schema else [])]
    return all(_is_schema(one) for one in [*below, *schema.get("anyOf", [])])


def _content(content: Mapping[str, Any], media: MediaFiles) -> dict[str, Any]:
    return {**content, "parts": [_part(part, media) for part in content["parts"]]}


def _part(part: Mapping[str, Any], media: MediaFiles) -> dict[str, Any]:
    """Return a part as the client takes it: bytes where the JSON has base64."""
    made = dict(part)
    if "inlineData" in part:
        inline = part["inlineData"]
        data = media.bytes_of(inline["data"], type_beside(inline))
        made["inlineData"] = {**inline, "data": data}
    if "thoughtSignature" in part:
        made["thoughtSignature"] = in_bytes(part["thoughtSignature"])
    return made


def _only_text(content: Mapping[str, Any]) -> str | None:
    """Return the text of a turn of the user's that has nothing but one, as the client takes it."""
    parts = content["parts"]
    is_text = content.get("role") == "user" and len(parts) == 1 and parts[0].keys() == {"text"}
    return parts[0]["text"] if is_text else None


def _config(body: Mapping[str, Any], media: MediaFiles) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if "systemInstruction" in body:
        content = _content(body["systemInstruction"], media)
        text = _only_text(content)
        config["system_instruction"] = content if text is None else text
    config |= {_snake(name): value for name, value in body.get("generationConfig", {}).items()}
    return config | {_snake(name): body[name] for name in _BESIDE[1:] if name in body}


def _snake(name: str) -> str:
    return _CAPITAL.sub("_", name).lower()


def _client(request: Request, place: re.Match[str]) -> str:
    """Return the line that makes the client."""
    options: dict[str, Any] = {}
    is_vertex = bool(place["publisher"] or place["project"])
    base, known, version = _OWN, "GEMINI_API_KEY", "v1beta"
    if is_vertex:
        base, known, version = place["base"], "Application Default Credentials", "v1beta1"
        options["vertexai"] = True
        if place["project"]:
            options |= {"project": place["project"], "location": place["location"]}
        else:
            options["api_key"] = Expression('os.environ["GOOGLE_API_KEY"]')
    elif place["base"] != base:
        options["api_key"] = key_of(request)
    http = {"base_url": place["base"]} if place["base"] != base else {}
    if place["version"] != version:
        http["api_version"] = place["version"]
    if http:
        options["http_options"] = http
    return client_line("genai.Client", options, known)
