"""What is taken out of texts: whatever looks like a key, and what a failed request sent; the rest stays."""

import pytest

from aimon_nb.app import monitor
from aimon_nb.capture.redact import redact_secrets
from aimon_nb.capture.sent_secrets import SentSecrets

HEX = "0123456789abcdef0123456789abc666"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
AWS = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
# A text and what must be in none of what is left of it.
KEYS = {
    "openai": ("Incorrect API key provided: sk-proj-abc0123456789xyz.", "abc0123456789"),
    "anthropic": ("invalid x-api-key sk-ant-api03-abc_0123456789-xyz", "0123456789"),
    "bearer": (f"Authorization: Bearer {HEX}", HEX),
    "bearer in a dict": ("{'Authorization': 'Bearer abcdefghijklmnop'}", "abcdefgh"),
    "bearer alone": (f"sent bearer {HEX} to it", HEX),
    "basic": ("Authorization: Basic dXNlcjpodW50ZXIyMg==", "dXNlcjpodW50ZXIyMg"),
    "basic alone": ("tried basic dXNlcjpodW50ZXIyMg==", "dXNlcjpodW50ZXIyMg"),
    "AWS key id": ("The security token AKIAIOSFODNN7EXAMPLE is invalid", "AKIAIOSFODNN7"),
    "AWS temporary": ("Credential=ASIAIOSFODNN7EXAMPLE/20260101/us-east-1", "ASIAIOSFODNN7"),
    "AWS secret": (f"aws_secret_access_key={AWS}", "wJalrXUtnFEMI"),
    "AWS secret in JSON": (f'{{"SecretAccessKey": "{AWS}"}}', "wJalrXUtnFEMI"),
    "AWS session token": ("AWS_SESSION_TOKEN=FwoGZXIvYXdzEBYaDHqa0AP", "FwoGZXIvYXdz"),
    "JWT": (f"token {JWT} has expired", "eyJzdWIi"),
    "JWT in a header": (f"Bearer {JWT}", "eyJzdWIi"),
    "query": ("GET /v1/models?key=AIzaSyA-secret-0123456789-0123 failed", "AIzaSy"),
    "second of a query": (f"at https://h.test/v1?a=1&token={HEX}#f", HEX),
    "query without a URL": (f"http.query key={HEX}&x=1", HEX),
    "user and password": ("postgres://canary:hunter2@db.test/x", "hunter2"),
    "user and password without a scheme": ("cannot reach canary:hunter2@db.test:5432", "hunter2"),
    "password": ("connect(user='me', password='hunter two')", "hunter"),
    "password in a DSN": ("host=db password=hunterhunter dbname=x", "hunterhunter"),
    "api_key argument": ("OpenAI(api_key='abcdefgh', timeout=3)", "abcdefgh"),
    "escaped JSON": ('{\\"api_key\\": \\"abcdefgh\\"}', "abcdefgh"),
    "cookie": (f"Cookie: session={HEX}; a=b", HEX),
    "cookie without a digit": ("Cookie: theme=dark; session=abcdefghijkl", "abcdefghijkl"),
    "headers of httpx": ("Headers([('accept', 'a'), ('x-api-key', 'abcdefgh'), ('accept', 'b')])", "abcdefgh"),
    "raw headers": ("[(b'Host', b'h.test'), (b'Authorization', b'Bearer abcd')]", "abcd"),
    "cookie in raw headers": ("(b'cookie', b'session=abcdefgh')", "abcdefgh"),
    "list of one": ('{"api_key": ["abcdefgh"]}', "abcdefgh"),
    "basic without a digit": ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    "password with an at sign": ("postgres://canary:hun@ter2@db.test/x", "ter2"),
    "password with a slash": ("postgres://canary:hun/ter2@db.test/x", "hun/ter2"),
    "cerebras": ("Wrong API Key csk-abcdefghijklmnop0123456789", "abcdefghijkl"),
    "sentry": ("token sntryu_0123456789abcdef0123456789 is revoked", "0123456789abcdef"),
    "github": ("remote: ghp_abcdefghijklmnop0123456789 denied", "abcdefghijkl"),
    "slack": ("xoxb-123456789012-abcdefghijkl", "123456789012"),
    "google": ("ya29.a0AfH6SMBx-0123456789", "a0AfH6SMB"),
    "hugging face": ("hf_abcdefghijklmnop0123456789", "abcdefghijkl"),
    "databricks": ("dapi0123456789abcdef0123456789abcdef", "0123456789abcdef"),
    "azure storage": ("DefaultEndpointsProtocol=https;AccountName=x;AccountKey=abcdefghijklmnop==;", "abcdefghijklm"),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----", "MIIEpAIB"),
    "private key, cut": ("-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA", "MIIEpAIB"),
}  # fmt: skip


@pytest.mark.parametrize(
    "key", ["basic abcdefg1", "bearer abcdefgh", "hf_abcdefghijk1", "sk_12345678901*", "AKIA0123456789AB", "ya29.0123456789", "dapi0123456789abcdef0123", "eyJ123456.123456"]
)
def test_the_shortest_of_letters_and_digits_alone(key):
    """A key that is the whole text, as short as its kind can be, is taken out; a short name stays as it is."""
    assert key[-8:] not in redact_secrets(key) != key
    assert "chat 12 gpt.4" == redact_secrets("chat 12 gpt.4")


@pytest.mark.parametrize(("told", "secret"), KEYS.values(), ids=KEYS)
def test_every_form_of_a_key(told, secret):
    """Each form of a key is left out, and something else of the text stays or stands in."""
    left = redact_secrets(told)
    assert secret in told
    assert secret not in left
    assert "…" in left


ORDINARY = [
    "missing: 'api_key', 'base_url' and ('model', 'gpt-4o')",
    "cookie: which one do you mean?",
    "GET http://h.test:4873/@scope/name failed",
    "max_tokens: 4096 is above the limit of 2048",
    "Invalid value for password: is required",
    "the secret: keep it short",
    "token 'def' was unexpected at 12:30",
    "No module named 'secretstorage'",
    "Basic authentication is not supported",
    "/usr/lib/python3.12/site-packages/httpx/_client.py line 1014",
    "commit 356a192b7913b04c54574d18c28d46e6395428ab",
    "KeyError: 'answer'",
    "key=value is no query",
    "ratio 3:4 @ home",
    "The model `gpt-4o-mini-2024-07-18` does not exist",
    "request id: req_0123456789abcdef",
]


@pytest.mark.parametrize("said", ORDINARY)
def test_ordinary_words_stay(said):
    """What is no key is told as it is."""
    assert redact_secrets(said) == said


def test_email_addresses_by_a_switch():
    """An e-mail address stays unless the user wants it left out."""
    said = "write to jane.doe+x@mail.example.org, please"
    assert redact_secrets(said) == said
    monitor.configure(redact_emails=True)
    try:
        assert redact_secrets(said) == "write to …@…, please"
    finally:
        monitor.configure(redact_emails=False)
    assert redact_secrets(said) == said


LONG = ["a" * 100_000, "a-" * 50_000, "password " * 11_000, "password:" * 11_000, "x:y" * 33_000, "eyJ" * 33_000, "a@b." * 25_000, "//" * 50_000,
        "sk-" * 33_000, "?a=" * 33_000, "secret='" * 12_000, "-----BEGIN PRIVATE KEY-----" * 3_000, "key=" * 25_000, "basic " * 16_000]  # fmt: skip


@pytest.mark.parametrize("text", LONG, ids=[text[:8] for text in LONG])
def test_a_hostile_text_costs_little(text):
    """A text made to be slow is looked through in a number of steps that its length bounds."""
    redact_secrets(text)


def learned(*headers):
    known = SentSecrets()
    known.learn(headers)
    return known


def test_a_sent_value_is_known():
    """A word of a header is left out of a text, whatever stands around it, and nothing else is."""
    known = learned(("api-key", HEX), ("Authorization", "Token zzzzzzzzyyyyyyyy"), ("Cookie", "s=abc01234567; t=ok"))
    assert known.redact(f"refused '{HEX}'.") == "refused '…'."
    assert known.redact(f"key={HEX}, {HEX}.") == "key=…, …."
    assert known.redact("zzzzzzzzyyyyyyyy and abc01234567") == "… and …"
    assert known.redact(f"x{HEX}") == f"x{HEX}"
    assert known.redact("Token ok Cookie api-key") == "Token ok Cookie api-key"


def test_what_a_provider_may_talk_of():
    """Of headers that hold no secret the words stay: what is wrong with them must be told."""
    known = learned(("Content-Type", "application/json"), ("anthropic-version", "2023-06-01"), ("Host", "api.openai.com"), ("User-Agent", "OpenAI/2.1"))
    said = "Unsupported application/json for 2023-06-01 at api.openai.com OpenAI/2.1"
    assert known.redact(said) == said


def test_nothing_but_hashes_is_kept():
    """No value is in memory: what is kept is a hash with a secret of this process, and not many of them."""
    known, other = learned(("api-key", HEX)), learned(("api-key", HEX))
    assert HEX not in repr(vars(known))
    assert known._known != other._known
    known.learn((f"x-{n}", f"value-{n:08}") for n in range(5_000))
    assert len(known._known) <= 1_000
