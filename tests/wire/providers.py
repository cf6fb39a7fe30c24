"""The real clients, each asking the truth server in its own way.

A way makes its calls and returns, for each, what the client itself reports:
(input, output) as the provider bills them, None where it was told nothing.
"""

import json

WAYS = {}
TEXT = "please say how warm it is in Paris today"
SYSTEM = "you are a very brief assistant"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Paris"]}}, "required": ["city"]}
TOOL_TEXT = "use the tool for Paris"


def way(client):
    """Register a way: `client` is the library it needs."""

    def register(function):
        WAYS[function.__name__] = (client, function)
        return function

    return register


# --- anthropic ------------------------------------------------------------------------------


def _anthropic(truth):
    import anthropic

    return anthropic.Anthropic(base_url=truth.root, api_key="none", max_retries=2)


def _claude(text=TEXT, model="claude-haiku-4-5", **more):
    return {"model": model, "max_tokens": 100, "system": SYSTEM, "messages": [{"role": "user", "content": text}], **more}


def _anthropic_told(usage):
    return usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0), usage.output_tokens


@way("anthropic")
def anthropic_plain(truth):
    return [_anthropic_told(_anthropic(truth).messages.create(**_claude()).usage)]


@way("anthropic")
def anthropic_thinking_and_cache_write(truth):
    asked = _claude(model="claude-opus-5") | {"system": SYSTEM + " [new]"}
    return [_anthropic_told(_anthropic(truth).messages.create(**asked).usage)]


@way("anthropic")
def anthropic_stream(truth):
    with _anthropic(truth).messages.stream(**_claude()) as stream:
        "".join(stream.text_stream)
        return [_anthropic_told(stream.get_final_message().usage)]


@way("anthropic")
def anthropic_tool(truth):
    tools = [{"name": "weather", "description": "…", "input_schema": SCHEMA}]
    answer = _anthropic(truth).messages.create(**_claude(TOOL_TEXT, tools=tools))
    assert ("tool_use", {"city": "Paris"}) == (answer.content[0].type, answer.content[0].input)
    return [_anthropic_told(answer.usage)]


@way("anthropic")
def anthropic_left(truth):
    stream = _anthropic(truth).messages.create(**_claude(), stream=True)
    next(iter(stream))
    stream.close()
    return [None]


# --- google-genai ---------------------------------------------------------------------------


def _gemini(truth):
    from google import genai

    return genai.Client(api_key="none", http_options={"base_url": truth.root})


def _gemini_told(usage):
    return usage.prompt_token_count, (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)


def _gemini_asked(text=TEXT, model="gemini-2.0-flash", **config):
    return {"model": model, "contents": text, "config": {"system_instruction": SYSTEM, **config}}


@way("google.genai")
def gemini_plain(truth):
    client = _gemini(truth)
    return [_gemini_told(client.models.generate_content(**_gemini_asked()).usage_metadata)]


@way("google.genai")
def gemini_thoughts(truth):
    asked = _gemini_asked(model="gemini-3-pro")
    client = _gemini(truth)
    return [_gemini_told(client.models.generate_content(**asked).usage_metadata)]


@way("google.genai")
def gemini_stream(truth):
    client = _gemini(truth)
    *_, last = client.models.generate_content_stream(**_gemini_asked())
    return [_gemini_told(last.usage_metadata)]


@way("google.genai")
def gemini_function_calling(truth):
    def weather(city: str) -> str:
        """How warm it is."""
        return "18"

    client = _gemini(truth)
    answer = client.models.generate_content(**_gemini_asked(TOOL_TEXT, tools=[weather]))
    return [..., _gemini_told(answer.usage_metadata)]


@way("google.genai")
def gemini_left(truth):
    client = _gemini(truth)
    stream = client.models.generate_content_stream(**_gemini_asked())
    next(stream)
    stream.close()
    return [None]


@way("google.genai")
def gemini_embed(truth):
    client = _gemini(truth)
    client.models.embed_content(model="gemini-embedding-001", contents=["one two", "three"])
    return [None]


# --- cohere ---------------------------------------------------------------------------------


def _cohere(truth, version):
    import cohere

    make = cohere.ClientV2 if version == 2 else cohere.Client
    return make(api_key="none", base_url=truth.root)


def _cohere_told(usage):
    return int(usage.billed_units.input_tokens), int(usage.billed_units.output_tokens or 0)


_COHERE = {"model": "command-a-03-2025", "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": TEXT}]}


@way("cohere")
def cohere_v2_plain(truth):
    client = _cohere(truth, 2)
    return [_cohere_told(client.chat(**_COHERE).usage)]


@way("cohere")
def cohere_v2_stream(truth):
    client = _cohere(truth, 2)
    *_, last = client.chat_stream(**_COHERE)
    return [_cohere_told(last.delta.usage)]


@way("cohere")
def cohere_v2_left(truth):
    client = _cohere(truth, 2)
    stream = client.chat_stream(**_COHERE)
    next(stream)
    stream.close()
    return [None]


@way("cohere")
def cohere_v2_tool(truth):
    tools = [{"type": "function", "function": {"name": "weather", "description": "…", "parameters": SCHEMA}}]
    client = _cohere(truth, 2)
    answer = client.chat(model="command-a-03-2025", messages=[{"role": "user", "content": TOOL_TEXT}], tools=tools)
    assert {"city": "Paris"} == json.loads(answer.message.tool_calls[0].function.arguments)
    return [_cohere_told(answer.usage)]


@way("cohere")
def cohere_v2_embed(truth):
    client = _cohere(truth, 2)
    answer = client.embed(model="embed-v4.0", texts=["one two"], input_type="search_query", embedding_types=["float"])
    return [_cohere_told(answer.meta)]


_COHERE_V1 = {"model": "command-r-08-2024", "preamble": SYSTEM, "message": TEXT}


@way("cohere")
def cohere_v1_plain(truth):
    client = _cohere(truth, 1)
    return [_cohere_told(client.chat(**_COHERE_V1).meta)]


@way("cohere")
def cohere_v1_history(truth):
    client = _cohere(truth, 1)
    history = [{"role": "USER", "message": "good morning"}, {"role": "CHATBOT", "message": "and to you"}]
    return [_cohere_told(client.chat(**_COHERE_V1, chat_history=history).meta)]


@way("cohere")
def cohere_v1_stream(truth):
    client = _cohere(truth, 1)
    *_, last = client.chat_stream(**_COHERE_V1)
    return [_cohere_told(last.response.meta)]


@way("cohere")
def cohere_v1_left(truth):
    client = _cohere(truth, 1)
    stream = client.chat_stream(**_COHERE_V1)
    next(stream)
    stream.close()
    return [None]


@way("cohere")
def cohere_v1_async(truth):
    import asyncio

    import cohere

    async def ask():
        client = cohere.AsyncClient(api_key="none", base_url=truth.root)
        return _cohere_told((await client.chat(**_COHERE_V1)).meta)

    return [asyncio.run(ask())]


@way("cohere")
def cohere_v1_embed(truth):
    client = _cohere(truth, 1)
    return [_cohere_told(client.embed(model="embed-english-v3.0", texts=["one two"], input_type="search_query").meta)]


# --- mistral --------------------------------------------------------------------------------


def _mistral(truth):
    try:
        from mistralai import Mistral
    except ImportError:
        from mistralai.client import Mistral
    return Mistral(api_key="none", server_url=truth.root + "/mistral")


def _mistral_told(usage):
    return usage.prompt_tokens, usage.completion_tokens


_MISTRAL = {"model": "mistral-small-latest", "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": TEXT}]}


@way("mistralai")
def mistral_plain(truth):
    client = _mistral(truth)
    return [_mistral_told(client.chat.complete(**_MISTRAL).usage)]


@way("mistralai")
def mistral_stream(truth):
    client = _mistral(truth)
    usages = [event.data.usage for event in client.chat.stream(**_MISTRAL)]
    return [_mistral_told(next(u for u in reversed(usages) if u))]


@way("mistralai")
def mistral_left(truth):
    client = _mistral(truth)
    with client.chat.stream(**_MISTRAL) as stream:
        next(iter(stream))
    return [None]


@way("mistralai")
def mistral_fim(truth):
    client = _mistral(truth)
    return [_mistral_told(client.fim.complete(model="codestral-latest", prompt="def f(", suffix="return a").usage)]


@way("mistralai")
def mistral_embed(truth):
    client = _mistral(truth)
    answer = client.embeddings.create(model="mistral-embed", inputs=["one two", "three"])
    return [(answer.usage.prompt_tokens, 0)]


# --- hugging face ---------------------------------------------------------------------------


def _hub(truth, path=""):
    from huggingface_hub import InferenceClient

    return InferenceClient(base_url=truth.url, api_key="none") if not path else InferenceClient(model=truth.root + path, token=None)


_HUB = {"model": "meta-llama/Llama-3.1-8B-Instruct", "messages": [{"role": "user", "content": TEXT}]}


@way("huggingface_hub")
def huggingface_chat(truth):
    client = _hub(truth)
    usage = client.chat_completion(**_HUB).usage
    return [(usage.prompt_tokens, usage.completion_tokens)]


@way("huggingface_hub")
def huggingface_chat_stream(truth):
    client = _hub(truth)
    *_, last = client.chat_completion(**_HUB, stream=True, stream_options={"include_usage": True})
    return [(last.usage.prompt_tokens, last.usage.completion_tokens)]


@way("huggingface_hub")
def huggingface_chat_left(truth):
    client = _hub(truth)
    stream = client.chat_completion(**_HUB, stream=True, stream_options={"include_usage": True})
    next(iter(stream))
    stream.close()
    return [None]


@way("huggingface_hub")
def huggingface_generate(truth):
    client = _hub(truth, "/generate")
    answer = client.text_generation(TEXT, details=True)
    return [(len(answer.details.prefill), answer.details.generated_tokens)]


@way("huggingface_hub")
def huggingface_generate_stream(truth):
    client = _hub(truth, "/generate")
    *_, last = client.text_generation(TEXT, details=True, stream=True)
    return [(last.details.input_length, last.details.generated_tokens)]


# --- ollama ---------------------------------------------------------------------------------


def _ollama(truth):
    import ollama

    return ollama.Client(host=truth.root)


def _ollama_told(answer):
    return answer.prompt_eval_count, answer.eval_count or 0


_OLLAMA = {"model": "llama3.2", "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": TEXT}]}


@way("ollama")
def ollama_chat(truth):
    client = _ollama(truth)
    return [_ollama_told(client.chat(**_OLLAMA))]


@way("ollama")
def ollama_chat_stream(truth):
    client = _ollama(truth)
    *_, last = client.chat(**_OLLAMA, stream=True)
    return [_ollama_told(last)]


@way("ollama")
def ollama_left(truth):
    client = _ollama(truth)
    stream = client.chat(**_OLLAMA, stream=True)
    next(stream)
    stream.close()
    return [None]


@way("ollama")
def ollama_tool(truth):
    tools = [{"type": "function", "function": {"name": "weather", "description": "…", "parameters": SCHEMA}}]
    client = _ollama(truth)
    answer = client.chat(model="llama3.2", messages=[{"role": "user", "content": TOOL_TEXT}], tools=tools)
    assert {"city": "Paris"} == dict(answer.message.tool_calls[0].function.arguments)
    return [_ollama_told(answer)]


@way("ollama")
def ollama_generate(truth):
    client = _ollama(truth)
    return [_ollama_told(client.generate(model="llama3.2", prompt=TEXT))]


@way("ollama")
def ollama_embed(truth):
    client = _ollama(truth)
    return [(client.embed(model="nomic-embed-text", input=["one two"]).prompt_eval_count, 0)]


# --- openai, where it is not the plain chat -------------------------------------------------


def _openai(truth):
    import openai

    return openai.OpenAI(base_url=truth.url, api_key="none")


def _responses_told(usage):
    return usage.input_tokens, usage.output_tokens


@way("openai")
def openai_responses(truth):
    answer = _openai(truth).responses.create(model="gpt-5", instructions=SYSTEM, input=TEXT)
    return [_responses_told(answer.usage)]


@way("openai")
def openai_responses_stream(truth):
    client = _openai(truth)
    *_, last = client.responses.create(model="gpt-5", instructions=SYSTEM, input=TEXT, stream=True)
    return [_responses_told(last.response.usage)]


@way("openai")
def openai_responses_background(truth):
    client = _openai(truth)
    answer = client.responses.create(model="gpt-5", instructions=SYSTEM, input=TEXT, background=True)
    while answer.status != "completed":
        answer = client.responses.retrieve(answer.id)
    return [_responses_told(answer.usage)]


@way("openai")
def openai_responses_left(truth):
    stream = _openai(truth).responses.create(model="gpt-5", input=TEXT, stream=True)
    next(iter(stream))
    stream.close()
    return [None]


@way("openai")
def openai_azure(truth):
    import openai

    client = openai.AzureOpenAI(azure_endpoint=truth.root, api_key="none", api_version="2024-10-21")
    usage = client.chat.completions.create(model="my-gpt", messages=[{"role": "user", "content": TEXT}]).usage
    return [(usage.prompt_tokens, usage.completion_tokens)]


# --- anthropic's client for Bedrock: Invoke over HTTP of its own ----------------------------


def _anthropic_bedrock(truth):
    import anthropic

    return anthropic.AnthropicBedrock(base_url=truth.root, aws_access_key="a", aws_secret_key="b", aws_region="us-east-1")


@way("boto3")
def anthropic_bedrock(truth):
    return [_anthropic_told(_anthropic_bedrock(truth).messages.create(**_claude(model="us.anthropic.claude-3-haiku-v1:0")).usage)]


@way("boto3")
def anthropic_bedrock_stream(truth):
    client = _anthropic_bedrock(truth)
    for event in client.messages.create(**_claude(model="us.anthropic.claude-3-haiku-v1:0"), stream=True):
        if event.type == "message_start":
            into = event.message.usage
        elif event.type == "message_delta":
            out = event.usage.output_tokens
    return [(_anthropic_told(into)[0], out)]


# --- boto3: Bedrock through botocore's own HTTP session ---------------------------------------

_MODEL_ID = "us.anthropic.claude-3-haiku-20240307-v1:0"


def _bedrock(truth):
    import boto3

    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    return boto3.client("bedrock-runtime", endpoint_url=truth.root, **keys)


def _converse(text=TEXT, **more):
    messages = [{"role": "user", "content": [{"text": text}]}]
    return {"modelId": _MODEL_ID, "system": [{"text": SYSTEM}], "messages": messages, **more}


def _converse_told(usage):
    return usage["inputTokens"] + usage["cacheReadInputTokens"] + usage["cacheWriteInputTokens"], usage["outputTokens"]


def _invoke(**asked):
    return json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "messages": [{"role": "user", "content": TEXT}], **asked})


@way("boto3")
def boto3_converse(truth):
    return [_converse_told(_bedrock(truth).converse(**_converse())["usage"])]


@way("boto3")
def boto3_converse_tool(truth):
    spec = {"name": "weather", "description": "…", "inputSchema": {"json": SCHEMA}}
    answer = _bedrock(truth).converse(**_converse(TOOL_TEXT, toolConfig={"tools": [{"toolSpec": spec}]}))
    assert {"city": "Paris"} == answer["output"]["message"]["content"][0]["toolUse"]["input"]
    return [_converse_told(answer["usage"])]


@way("boto3")
def boto3_converse_stream(truth):
    *_, last = _bedrock(truth).converse_stream(**_converse())["stream"]
    return [_converse_told(last["metadata"]["usage"])]


@way("boto3")
def boto3_converse_left(truth):
    stream = _bedrock(truth).converse_stream(**_converse())["stream"]
    next(iter(stream))
    stream.close()
    return [None]


@way("boto3")
def boto3_invoke(truth):
    body = json.loads(_bedrock(truth).invoke_model(modelId=_MODEL_ID, body=_invoke())["body"].read())
    usage = body["usage"]
    return [(usage["input_tokens"] + usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"], usage["output_tokens"])]


@way("boto3")
def boto3_invoke_in_pieces(truth):
    body = _bedrock(truth).invoke_model(modelId=_MODEL_ID, body=_invoke())["body"]
    usage = json.loads(b"".join(body.iter_chunks(7)))["usage"]
    return [(usage["input_tokens"] + usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"], usage["output_tokens"])]


@way("boto3")
def boto3_invoke_counted_in_headers(truth):
    answer = _bedrock(truth).invoke_model(modelId="cohere.command-r-v1:0", body=json.dumps({"message": TEXT}))
    assert b"usage" not in answer["body"].read()
    told = answer["ResponseMetadata"]["HTTPHeaders"]
    into, read, out = (int(told[f"x-amzn-bedrock-{name}-token-count"]) for name in ("input", "cache-read-input", "output"))
    return [(into + read, out)]


@way("boto3")
def boto3_invoke_stream(truth):
    body = _bedrock(truth).invoke_model_with_response_stream(modelId=_MODEL_ID, body=_invoke())["body"]
    events = [json.loads(event["chunk"]["bytes"]) for event in body]
    into = events[0]["message"]["usage"]
    out = next(e["usage"]["output_tokens"] for e in events if e["type"] == "message_delta")
    return [(into["input_tokens"] + into["cache_read_input_tokens"] + into["cache_creation_input_tokens"], out)]
