"""boto3: Bedrock's converse and invoke, whole and streamed."""

import json

from tests.matrix.modes import Modes, in_threads, interrupted_soon, step

modes = Modes()
MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"


def client(server):
    import boto3
    from botocore.config import Config

    config = Config(retries={"max_attempts": 3})
    return boto3.client("bedrock-runtime", endpoint_url=server.root, config=config)


def options(text):
    said = [{"role": "user", "content": [{"text": text}]}]
    return {"modelId": MODEL, "messages": said, "system": [{"text": "be brief"}]}


def ask(server, text):
    return client(server).converse(**options(text))["output"]["message"]["content"]


def body(text):
    return json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "messages": [{"role": "user", "content": text}]})


@modes("converse")
def _(server):
    return ask(server, "plain words")


@modes("converse-stream")
def _(server):
    told = client(server).converse_stream(**options("streamed"))["stream"]
    return [list(event) for event in told]


@modes("converse-left", left=True)
def _(server):
    told = client(server).converse_stream(**options("left early"))["stream"]
    for event in told:
        told.close()
        return list(event)


@modes("invoke")
def _(server):
    return json.loads(client(server).invoke_model(modelId=MODEL, body=body("invoked"))["body"].read())["content"]


@modes("invoke-stream")
def _(server):
    told = client(server).invoke_model_with_response_stream(modelId=MODEL, body=body("invoked"))["body"]
    return [json.loads(event["chunk"]["bytes"])["type"] for event in told]


@modes("retry-429")
def _(server):
    return ask(server, "again [busy once] bedrock")


@modes("threads-8")
def _(server):
    return in_threads(lambda n: ask(server, f"step-{n}"))


@modes("tool-loop")
def _(server):
    spec = {"name": "look", "inputSchema": {"json": {"type": "object", "properties": {"word": {"type": "string"}}}}}
    c, tools = client(server), {"tools": [{"toolSpec": spec}]}
    first = c.converse(**options("use the tool"), toolConfig=tools)["output"]["message"]
    with step("tool"):
        inner = ask(server, "inside the tool")[0]["text"]
    result = {"toolUseId": first["content"][0]["toolUse"]["toolUseId"], "content": [{"text": inner}]}
    asked = options("use the tool")
    asked["messages"] += [first, {"role": "user", "content": [{"toolResult": result}]}]
    return c.converse(**asked, toolConfig=tools)["output"]["message"]["content"]


@modes("invoke-headers")
def _(server):
    """A maker that tells no usage: Bedrock's own counts stand in headers."""
    asked = json.dumps({"message": "some words"})
    return json.loads(client(server).invoke_model(modelId="cohere.command-r-v1:0", body=asked)["body"].read())["text"]


@modes("invoke-left", left=True)
def _(server):
    told = client(server).invoke_model_with_response_stream(modelId=MODEL, body=body("left early"))["body"]
    for event in told:
        told.close()
        return list(event)


@modes("error-400")
def _(server):
    from botocore.exceptions import ClientError

    try:
        return ask(server, "[status 400]")
    except ClientError as error:
        return str(error)


@modes("interrupted", left=True)
def _(server):
    with interrupted_soon(server):
        list(client(server).converse_stream(**options("interrupted"))["stream"])
