"""What calls cost, worked out by hand from the providers' price pages.

Each row: name, the call, the arithmetic as (tokens, USD per million), the sum, the
state. The sum is written out too: both are by hand, and the test holds them to each
other and to what `price` says. All calls start at a fixed time, for prices change.
"""

from datetime import datetime, timezone

from tests.pricing.making import call, span, tokens


def at(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


AZURE, ANTHROPIC, GEMINI = "my-res.openai.azure.com", "api.anthropic.com", "generativelanguage.googleapis.com"
VERTEX, BEDROCK, MISTRAL = "us-east1-aiplatform.googleapis.com", "bedrock-runtime.us-east-1.amazonaws.com", "api.mistral.ai"
XAI, DEEPSEEK, OPENROUTER = "api.x.ai", "api.deepseek.com", "openrouter.ai"
SONNET = "claude-sonnet-4-5-20250929"
NOVA = "amazon.nova-pro-v1:0"
NOVEMBER = at(2026, 11, 1)  # the list has prices of tiers since October 2026
# What SDK integrations write when nothing of the call was heard on the wire.
LANGCHAIN = {"origin": "auto.ai.langchain"}


def anthropic(model, usage, **more):
    return call(model, usage, ANTHROPIC, provider="anthropic", **more)


def google(model, usage, host=GEMINI, **more):
    return call(model, usage, host, provider="gcp.gemini", **more)


def bedrock(model, usage, **more):
    return call(model, usage, BEDROCK, provider="aws.bedrock", **more)


ROWS = [
    # -- OpenAI ---------------------------------------------------------------------------------------------------
    ("gpt-4o", call("gpt-4o-2024-08-06", tokens(1000, 200)), [(1000, "2.5"), (200, "10")], "0.0045", "priced"),
    ("gpt-4o cached", call("gpt-4o-2024-08-06", tokens(3000, 500, cached=1024)),
     [(1976, "2.5"), (1024, "1.25"), (500, "10")], "0.01122", "priced"),
    ("gpt-4o of May 2024 has twice the input price", call("gpt-4o-2024-05-13", tokens(1000, 200)),
     [(1000, "5"), (200, "15")], "0.008", "priced"),
    ("gpt-4o-mini", call("gpt-4o-mini-2024-07-18", tokens(12035, 804)), [(12035, "0.15"), (804, "0.6")], "0.00228765", "priced"),
    ("gpt-4o-mini, no answer yet zero tokens", call("gpt-4o-mini", tokens(840, 0)), [(840, "0.15")], "0.000126", "priced"),
    ("a fine-tuned gpt-4o costs half as much again", call("ft:gpt-4o-2024-08-06:acme::abc123", tokens(1000, 200)),
     [(1000, "3.75"), (200, "15")], "0.00675", "priced"),
    ("a fine-tuned model that the list does not know", call("ft:gpt-4.1-2025-04-14:acme::1", tokens(1000, 200)), [], None, "unpriced"),
    ("gpt-4.1", call("gpt-4.1-2025-04-14", tokens(50_000, 1_000, cached=40_000)),
     [(10_000, "2"), (40_000, "0.5"), (1_000, "8")], "0.048", "priced"),
    ("gpt-5, reasoning inside", call("gpt-5-2025-08-07", tokens(2000, 900, reasoning=640, total=2900)),
     [(2000, "1.25"), (900, "10")], "0.0115", "priced"),
    ("gpt-5 flex", call("gpt-5", tokens(2000, 900), tier="flex", at=NOVEMBER), [(2000, "0.625"), (900, "5")], "0.00575", "priced"),
    ("gpt-5 priority", call("gpt-5", tokens(2000, 900), tier="priority", at=NOVEMBER), [(2000, "2.5"), (900, "20")], "0.023", "priced"),
    ("gpt-5, the default tier", call("gpt-5", tokens(2000, 900), tier="default"), [(2000, "1.25"), (900, "10")], "0.0115", "priced"),
    ("gpt-5-mini", call("gpt-5-mini", tokens(2000, 900, cached=1000)),
     [(1000, "0.25"), (1000, "0.025"), (900, "2")], "0.002075", "priced"),
    ("gpt-5.5 at 272,000 is the lower tier", call("gpt-5.5", tokens(272_000, 1000)), [(272_000, "5"), (1000, "30")], "1.39", "priced"),
    ("gpt-5.5 above 272,000: all of it", call("gpt-5.5", tokens(272_001, 1000)), [(272_001, "10"), (1000, "45")], "2.76501", "priced"),
    ("gpt-5.6 before August 2026", call("gpt-5.6", tokens(1000, 100), at=at(2026, 8, 20, 23, 59)),
     [(1000, "5"), (100, "30")], "0.008", "priced"),
    ("gpt-5.6 from 21 August 2026", call("gpt-5.6", tokens(1000, 100), at=at(2026, 8, 21)),
     [(1000, "4"), (100, "20")], "0.006", "priced"),
    ("gpt-5.6 bills cache writes", call("gpt-5.6", tokens(10_000, 100, write=4000, cached=5000), at=at(2026, 9, 1)),
     [(1000, "4"), (5000, "0.4"), (4000, "5"), (100, "20")], "0.028", "priced"),
    ("o3 before 10 June 2025", call("o3", tokens(1000, 1000), at=at(2025, 6, 9, 23)), [(1000, "10"), (1000, "40")], "0.05", "priced"),
    ("o3 since", call("o3", tokens(1000, 1000), at=at(2025, 6, 10)), [(1000, "2"), (1000, "8")], "0.01", "priced"),
    ("o4-mini", call("o4-mini-2025-04-16", tokens(500, 1500, reasoning=1400)), [(500, "1.1"), (1500, "4.4")], "0.00715", "priced"),
    ("embedding small", call("text-embedding-3-small", tokens(310, total=310), op="gen_ai.embeddings"),
     [(310, "0.02")], "0.0000062", "priced"),
    ("embedding large, only input told", call("text-embedding-3-large", tokens(8000), op="gen_ai.embeddings"),
     [(8000, "0.13")], "0.00104", "priced"),
    ("a dropped zero: total equals input", call("gpt-4o", tokens(1000, total=1000)), [(1000, "2.5")], "0.0025", "priced"),
    ("output missing: a lower bound", call("gpt-4o", tokens(1000)), [(1000, "2.5")], "0.0025", "partial"),
    ("input missing: a lower bound", call("gpt-4o", tokens(None, 100)), [(100, "10")], "0.001", "partial"),
    ("a model nobody knows", call("gpt-9-ultra", tokens(1000, 100)), [], None, "unpriced"),
    ("a dated name nobody knows", call("gpt-4o-2099-01-01", tokens(1000, 100)), [], None, "unpriced"),
    ("no usage", call("gpt-4o", tokens()), [], None, "no_usage"),
    # -- Azure: named by the deployment, priced by the answer's model -------------------------------------------------
    ("Azure deployment", call("gpt-4o-2024-08-06", tokens(1000, 200), AZURE, asked="my-deployment"),
     [(1000, "2.5"), (200, "10")], "0.0045", "priced"),
    ("Azure, deployment only", call("my-deployment", tokens(1000, 200), AZURE), [], None, "unpriced"),
    ("Azure gpt-5", call("gpt-5-2025-08-07", tokens(1000, 200, cached=600), AZURE, asked="chat"),
     [(400, "1.25"), (600, "0.125"), (200, "10")], "0.002575", "priced"),
    ("Azure, LangChain's word for it", span("a", usage=tokens(1000, 200), provider="azure-openai-chat", **LANGCHAIN),
     [(1000, "2.5"), (200, "10")], "0.0045", "priced"),
    # -- Anthropic -----------------------------------------------------------------------------------------------------
    ("Sonnet", anthropic(SONNET, tokens(1000, 200)), [(1000, "3"), (200, "15")], "0.006", "priced"),
    ("Sonnet, cache inside", anthropic(SONNET, tokens(10_000, 200, cached=8000, write=1000)),
     [(1000, "3"), (8000, "0.3"), (1000, "3.75"), (200, "15")], "0.01215", "priced"),
    ("Sonnet, raw counts: cache on top, larger than input", anthropic(SONNET, tokens(50, 200, cached=8000)),
     [(50, "3"), (8000, "0.3"), (200, "15")], "0.00555", "priced"),
    ("Sonnet, raw counts: the total tells", anthropic(SONNET, tokens(5000, 200, cached=4000, total=9200)),
     [(5000, "3"), (4000, "0.3"), (200, "15")], "0.0192", "priced"),
    ("Sonnet, cache kept for an hour",
     anthropic(SONNET, tokens(10_000, 100, write=4000), details={"cache_write_1h_tokens": 4000}),
     [(6000, "3"), (4000, "6"), (100, "15")], "0.0435", "priced"),
    ("Sonnet with two web searches", anthropic(SONNET, tokens(1000, 100), details={"web_searches": 2}),
     [(1000, "3"), (100, "15"), (2, "10000")], "0.0245", "priced"),
    ("Sonnet above 200,000", anthropic(SONNET, tokens(200_001, 1000)), [(200_001, "6"), (1000, "22.5")], "1.222506", "priced"),
    ("Sonnet in a batch", anthropic(SONNET, tokens(1000, 200), tier="batch", at=NOVEMBER), [(1000, "1.5"), (200, "7.5")], "0.003", "priced"),
    ("Opus 4.5", anthropic("claude-opus-4-5-20251101", tokens(1000, 1000)), [(1000, "5"), (1000, "25")], "0.03", "priced"),
    ("Opus 4.1", anthropic("claude-opus-4-1-20250805", tokens(1000, 1000)), [(1000, "15"), (1000, "75")], "0.09", "priced"),
    ("Haiku 4.5", anthropic("claude-haiku-4-5-20251001", tokens(1234, 567)), [(1234, "1"), (567, "5")], "0.004069", "priced"),
    ("Haiku left before its end", anthropic("claude-haiku-4-5", tokens(1234, 3), status="abandoned"),
     [(1234, "1"), (3, "5")], "0.001249", "partial"),
    # -- Gemini and Vertex ----------------------------------------------------------------------------------------------
    ("Gemini Pro", google("gemini-2.5-pro", tokens(1000, 500)), [(1000, "1.25"), (500, "10")], "0.00625", "priced"),
    ("Gemini Pro above 200,000", google("gemini-2.5-pro", tokens(300_000, 500)), [(300_000, "2.5"), (500, "15")], "0.7575", "priced"),
    ("Gemini, its own prefix", google("models/gemini-2.5-flash", tokens(1000, 500)), [(1000, "0.3"), (500, "2.5")], "0.00155", "priced"),
    ("Gemini, thoughts on top", google("gemini-2.5-flash", tokens(1000, 100, reasoning=400, total=1500)),
     [(1000, "0.3"), (500, "2.5")], "0.00155", "priced"),
    ("Gemini, cached and thoughts both on top",
     google("gemini-2.5-flash", tokens(1000, 100, cached=600, reasoning=400, total=2100)),
     [(1000, "0.3"), (600, "0.03"), (500, "2.5")], "0.001568", "priced"),
    ("Gemini Pro above 200,000: the cache moves too", google("gemini-2.5-pro", tokens(250_000, 1000, cached=200_000)),
     [(50_000, "2.5"), (200_000, "0.25"), (1000, "15")], "0.19", "priced"),
    ("Gemini heard audio", google("gemini-2.5-flash", tokens(1000, 100), details={"input_audio_tokens": 400}),
     [(600, "0.3"), (400, "1"), (100, "2.5")], "0.00083", "priced"),
    ("Gemini embedding", google("gemini-embedding-001", tokens(2000), op="gen_ai.embeddings"), [(2000, "0.15")], "0.0003", "priced"),
    ("Gemini 3.8 in 2026", google("gemini-3.8-flash", tokens(1000, 1000), at=at(2026, 12, 31, 23, 59)),
     [(1000, "0.75"), (1000, "3.75")], "0.0045", "priced"),
    ("Gemini 3.8 in 2027", google("gemini-3.8-flash", tokens(1000, 1000), at=at(2027, 1, 1)),
     [(1000, "1.5"), (1000, "7.5")], "0.009", "priced"),
    ("Vertex", google("publishers/google/models/gemini-2.5-pro", tokens(1000, 500), VERTEX), [(1000, "1.25"), (500, "10")], "0.00625", "priced"),
    ("Claude on Vertex", call("claude-sonnet-4-5", tokens(1000, 200), VERTEX, provider="anthropic"),
     [(1000, "3"), (200, "15")], "0.006", "priced"),
    # -- Bedrock ----------------------------------------------------------------------------------------------------------
    ("Nova Pro", bedrock(NOVA, tokens(1000, 500, cached=400)), [(600, "0.8"), (400, "0.2"), (500, "3.2")], "0.00216", "priced"),
    ("Nova Lite across regions", bedrock("us.amazon.nova-lite-v1:0", tokens(10_000, 1000)),
     [(10_000, "0.06"), (1000, "0.24")], "0.00084", "priced"),
    ("Claude in a region costs a tenth more", bedrock("us.anthropic.claude-sonnet-4-5-20250929-v1:0", tokens(1000, 200)),
     [(1000, "3.3"), (200, "16.5")], "0.0066", "priced"),
    ("Claude from anywhere", bedrock("global.anthropic.claude-sonnet-4-5-20250929-v1:0", tokens(1000, 200)),
     [(1000, "3"), (200, "15")], "0.006", "priced"),
    ("Claude by ARN",
     bedrock("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0", tokens(1000, 200)),
     [(1000, "3.3"), (200, "16.5")], "0.0066", "priced"),
    ("Titan embedding", bedrock("amazon.titan-embed-text-v2:0", tokens(5000), op="gen_ai.embeddings"), [(5000, "0.02")], "0.0001", "priced"),
    ("Claude on Bedrock, cache read and written", bedrock("us.anthropic.claude-sonnet-4-5-20250929-v1:0", tokens(10_000, 100, cached=8000, write=1000)),
     [(1000, "3.3"), (8000, "0.33"), (1000, "4.125"), (100, "16.5")], "0.011715", "priced"),
    ("Claude on Bedrock above 200,000 costs more, and the list has no step",
     bedrock("us.anthropic.claude-sonnet-4-5-20250929-v1:0", tokens(200_001, 1000)), [(200_001, "3.3"), (1000, "16.5")], "0.6765033", "partial"),
    ("Llama on Bedrock", bedrock("meta.llama3-3-70b-instruct-v1:0", tokens(1000, 1000)), [(1000, "0.72"), (1000, "0.72")], "0.00144", "priced"),
    # -- Mistral, xAI, DeepSeek --------------------------------------------------------------------------------------------
    ("Mistral small", call("mistral-small-latest", tokens(1000, 1000), MISTRAL, provider="mistral_ai"),
     [(1000, "0.15"), (1000, "0.6")], "0.00075", "priced"),
    ("Codestral has no cache price: as input", call("codestral-latest", tokens(1000, 1000, cached=500), MISTRAL),
     [(1000, "0.3"), (1000, "0.9")], "0.0012", "priced"),
    ("Grok 3", call("grok-3", tokens(1000, 500, cached=200), XAI), [(800, "3"), (200, "0.75"), (500, "15")], "0.01005", "priced"),
    ("Grok, reasoning on top", call("grok-3-mini", tokens(1000, 100, reasoning=900, total=2000), XAI),
     [(1000, "0.3"), (1000, "0.5")], "0.0008", "priced"),
    ("Grok 4.5 below its step", call("grok-4.5", tokens(199_000, 1000), XAI), [(199_000, "2"), (1000, "6")], "0.404", "priced"),
    ("Grok 4.5 above its step: all of it", call("grok-4.5", tokens(200_001, 1000), XAI), [(200_001, "4"), (1000, "12")], "0.812004", "priced"),
    ("DeepSeek by day", call("deepseek-chat", tokens(1000, 1000, cached=400), DEEPSEEK, at=at(2026, 6, 1, 12)),
     [(600, "0.27"), (400, "0.07"), (1000, "1.1")], "0.00129", "priced"),
    ("DeepSeek by night", call("deepseek-chat", tokens(1000, 1000, cached=400), DEEPSEEK, at=at(2026, 6, 1, 20)),
     [(600, "0.135"), (400, "0.035"), (1000, "0.55")], "0.000645", "priced"),
    # -- OpenRouter and others -----------------------------------------------------------------------------------------------
    ("OpenRouter", call("openai/gpt-4o", tokens(1000, 200), OPENROUTER), [(1000, "2.5"), (200, "10")], "0.0045", "priced"),
    ("OpenRouter, free", call("deepseek/deepseek-r1:free", tokens(1000, 200), OPENROUTER), [], "0", "free"),
    ("OpenRouter, Sonnet", call("anthropic/claude-sonnet-4.5", tokens(1000, 200), OPENROUTER), [(1000, "3"), (200, "15")], "0.006", "priced"),
    ("OpenRouter, Sonnet, cached", call("anthropic/claude-sonnet-4.5", tokens(10_000, 200, cached=9000), OPENROUTER),
     [(1000, "3"), (9000, "0.3"), (200, "15")], "0.0087", "priced"),
    ("OpenRouter with a search on top is another price", call("openai/gpt-4o:online", tokens(1000, 200), OPENROUTER), [], None, "unpriced"),
    ("OpenRouter's own choice, told by the answer", call("openai/gpt-4o", tokens(1000, 200), OPENROUTER, asked="openrouter/auto"),
     [(1000, "2.5"), (200, "10")], "0.0045", "priced"),
    ("Groq", call("llama-3.3-70b-versatile", tokens(1000, 1000), "api.groq.com"), [(1000, "0.59"), (1000, "0.79")], "0.00138", "priced"),
    ("Cohere", span("c", op="ai.chat_completions.create.cohere", usage=tokens(1000, 100), model="command-a-03-2025", provider="cohere"),
     [(1000, "2.5"), (100, "10")], "0.0035", "priced"),
    ("Perplexity bills each request", call("sonar", tokens(1000, 1000), "api.perplexity.ai"),
     [(1000, "1"), (1000, "1"), (1, "12000")], "0.014", "priced"),
    ("Cerebras, delisted: no price is not free", call("qwen-3-coder-480b", tokens(1000, 100), "api.cerebras.ai"), [], None, "unpriced"),
    # -- local servers, proxies, broken counts ---------------------------------------------------------------------------------
    ("Ollama: this machine", call("llama3.2:3b", tokens(1000, 200), "localhost:11434"), [], None, "unpriced"),
    ("a local server that calls its model gpt-4o", call("gpt-4o", tokens(1000, 200), "127.0.0.1:8000"), [], None, "unpriced"),
    ("IPv6 loopback", call("gpt-4o", tokens(1000, 200), "[::1]:8000"), [], None, "unpriced"),
    ("an unknown host is priced by its dialect", call("gpt-4o", tokens(1000, 200), "llm.example.com"),
     [(1000, "2.5"), (200, "10")], "0.0045", "priced"),
    ("a negative count", call("gpt-4o", tokens(-5, 200)), [], None, "unpriced"),
    ("a total less than its parts", call("gpt-4o", tokens(1000, 200, total=7)), [], None, "unpriced"),
    ("a total only", call("gpt-4o", tokens(total=1200)), [], None, "unpriced"),
    ("a total that hides tokens", call("gpt-4o", tokens(1000, 200, total=5000)), [(1000, "2.5"), (200, "10")], "0.0045", "partial"),
]  # fmt: skip
