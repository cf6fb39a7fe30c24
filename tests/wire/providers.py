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


def _interaction_told(usage):
    return usage.total_input_tokens + (usage.total_tool_use_tokens or 0), usage.total_output_tokens + (usage.total_thought_tokens or 0)


_INTERACTION = {"model": "gemini-3-flash-preview", "input": TEXT, "system_instruction": SYSTEM}


@way("google.genai")
def gemini_interaction(truth):
    client = _gemini(truth)
    return [_interaction_told(client.interactions.create(**_INTERACTION).usage)]


@way("google.genai")
def gemini_interaction_agent(truth):
    client = _gemini(truth)
    return [_interaction_told(client.interactions.create(agent="deep-research-preview-04-2026", input=TEXT).usage)]


@way("google.genai")
def gemini_interaction_tool(truth):
    client = _gemini(truth)
    tools = [{"type": "function", "name": "weather", "description": "…", "parameters": SCHEMA}]
    answer = client.interactions.create(**{**_INTERACTION, "input": TOOL_TEXT}, tools=tools)
    call = answer.steps[-1]
    assert ("weather", {"city": "Paris"}) == (call.name, call.arguments)
    result = [{"type": "function_result", "call_id": call.id, "name": "weather", "result": "18"}]
    after = client.interactions.create(model=_INTERACTION["model"], input=result, previous_interaction_id=answer.id)
    return [_interaction_told(answer.usage), _interaction_told(after.usage)]


@way("google.genai")
def gemini_interaction_stream(truth):
    client = _gemini(truth)
    events = list(client.interactions.create(**_INTERACTION, stream=True))
    completed = next(event for event in events if event.event_type == "interaction.completed")
    return [_interaction_told(completed.interaction.usage)]


@way("google.genai")
def gemini_interaction_left(truth):
    client = _gemini(truth)
    with client.interactions.create(**_INTERACTION, stream=True) as stream:
        next(iter(stream))
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


_RANK = {"query": "how warm", "documents": ["eighteen degrees", "a cat"]}


@way("cohere")
def cohere_v2_rerank(truth):
    answer = _cohere(truth, 2).rerank(model="rerank-v3.5", **_RANK)
    assert 1 == answer.meta.billed_units.search_units
    return [None]


@way("cohere")
def cohere_v1_rerank(truth):
    assert 2 == len(_cohere(truth, 1).rerank(model="rerank-v3.5", **_RANK).results)
    return [None]


# --- voyage and LM Studio, which have no client here --------------------------------------------


def _post(url, **body):
    import httpx

    answer = httpx.post(url, json=body)
    return answer.json() if answer.headers["content-type"] == "application/json" else answer.text


@way("httpx")
def voyage_embeddings(truth):
    one = _post(truth.root + "/voyage/v1/embeddings", model="voyage-4", input=["one two", "three"])
    return [(one["usage"]["total_tokens"], 0)]


@way("httpx")
def voyage_further_embeddings(truth):
    chunks = _post(truth.root + "/voyage/v1/contextualizedembeddings", model="voyage-context-4", inputs=[["one two"], ["three"]])
    content = [{"type": "text", "text": "one two three"}]
    mixed = _post(truth.root + "/voyage/v1/multimodalembeddings", model="voyage-multimodal-3.5", inputs=[{"content": content}])
    return [(one["usage"]["total_tokens"], 0) for one in (chunks, mixed)]


@way("httpx")
def voyage_rerank(truth):
    return [(_post(truth.root + "/voyage/v1/rerank", model="rerank-2.5", **_RANK)["usage"]["total_tokens"], 0)]


_STUDIO = {"model": "gpt-5-local", "input": TEXT, "system_prompt": SYSTEM}


def _studio_told(stats):
    return stats["input_tokens"], stats["total_output_tokens"]


@way("httpx")
def lmstudio_chat(truth):
    return [_studio_told(_post(truth.root + "/api/v1/chat", **_STUDIO)["stats"])]


@way("httpx")
def lmstudio_chat_stream(truth):
    text = _post(truth.root + "/api/v1/chat", **_STUDIO, stream=True)
    end = json.loads(text.strip().rpartition("data: ")[2])
    return [_studio_told(end["result"]["stats"])]


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


_CONVERSATION = {"model": "mistral-medium-latest", "instructions": SYSTEM, "inputs": TEXT}


def _conversation_told(usage):
    return usage.prompt_tokens + (usage.connector_tokens or 0), usage.completion_tokens


@way("mistralai")
def mistral_conversation(truth):
    conversations = _mistral(truth).beta.conversations
    first = conversations.start(**_CONVERSATION)
    more = conversations.append(conversation_id=first.conversation_id, inputs="and tomorrow")
    again = conversations.restart(conversation_id=first.conversation_id, from_entry_id="entry_1", inputs="and now")
    return [_conversation_told(one.usage) for one in (first, more, again)]


@way("mistralai")
def mistral_conversation_connector(truth):
    answer = _mistral(truth).beta.conversations.start(**_CONVERSATION, tools=[{"type": "web_search"}])
    assert answer.usage.connector_tokens
    return [_conversation_told(answer.usage)]


@way("mistralai")
def mistral_conversation_stream(truth):
    conversations = _mistral(truth).beta.conversations
    *_, first = conversations.start_stream(**_CONVERSATION)
    *_, more = conversations.append_stream(conversation_id="conv_1", inputs="and tomorrow")
    return [_conversation_told(one.data.usage) for one in (first, more)]


@way("mistralai")
def mistral_conversation_tool(truth):
    tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
    answer = _mistral(truth).beta.conversations.start(model="mistral-medium-latest", inputs=TOOL_TEXT, tools=tools)
    assert ("weather", {"city": "Paris"}) == (answer.outputs[0].name, json.loads(answer.outputs[0].arguments))
    return [_conversation_told(answer.usage)]


@way("mistralai")
def mistral_conversation_left(truth):
    with _mistral(truth).beta.conversations.start_stream(**_CONVERSATION) as stream:
        next(iter(stream))
    return [None]


@way("mistralai")
def mistral_agent(truth):
    answer = _mistral(truth).agents.complete(agent_id="ag_1", messages=[{"role": "user", "content": TEXT}])
    return [_mistral_told(answer.usage)]


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


@way("openai")
def openai_images(truth):
    images = _openai(truth).images
    made = images.generate(model="gpt-image-1.5", prompt=TEXT, n=2)
    edited = images.edit(model="gpt-image-1.5", prompt="more light", image=("a.png", b"png"))
    return [_responses_told(one.usage) for one in (made, edited)]


@way("openai")
def openai_images_stream(truth):
    images = _openai(truth).images
    *_, made = images.generate(model="gpt-image-1.5", prompt=TEXT, stream=True, partial_images=1)
    *_, edited = images.edit(model="gpt-image-1.5", prompt="more light", image=("a.png", b"png"), stream=True)
    return [_responses_told(one.usage) for one in (made, edited)]


_SOUND = ("a.mp3", b"x" * 250)


@way("openai")
def openai_transcription(truth):
    audio = _openai(truth).audio
    plain = audio.transcriptions.create(model="gpt-4o-transcribe", file=_SOUND, prompt="two words")
    *_, last = audio.transcriptions.create(model="gpt-4o-transcribe", file=_SOUND, stream=True)
    return [_responses_told(one.usage) for one in (plain, last)]


@way("openai")
def openai_transcription_by_the_second(truth):
    audio = _openai(truth).audio
    assert 2 == audio.transcriptions.create(model="whisper-1", file=_SOUND).usage.seconds
    audio.translations.create(model="whisper-1", file=_SOUND)
    return [None, None]


@way("openai")
def openai_speech(truth):
    speech = _openai(truth).audio.speech
    asked = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": TEXT}
    assert speech.create(**asked).content.startswith(b"ID3")
    with speech.with_streaming_response.create(**asked, stream_format="sse") as events:
        *_, last = (line for line in events.iter_lines() if line)
    usage = json.loads(last.removeprefix("data: "))["usage"]
    return [None, (usage["input_tokens"], usage["output_tokens"])]


@way("openai")
def openai_below_any_path(truth):
    import openai

    client = openai.OpenAI(base_url=truth.root + "/llm", api_key="none")
    answer = client.responses.create(model="gpt-5", instructions=SYSTEM, input=TEXT)
    usage = client.completions.create(model="gpt-3.5-turbo-instruct", prompt=TEXT).usage
    return [_responses_told(answer.usage), (usage.prompt_tokens, usage.completion_tokens)]


@way("openai")
def openai_completions(truth):
    asked = {"model": "gpt-3.5-turbo-instruct", "prompt": TEXT}
    *_, last = _openai(truth).completions.create(**asked, stream=True, stream_options={"include_usage": True})
    stream = _openai(truth).completions.create(**asked, stream=True)
    next(iter(stream))
    stream.close()
    return [(last.usage.prompt_tokens, last.usage.completion_tokens), None]


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
