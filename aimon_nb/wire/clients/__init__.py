"""The HTTP clients whose requests are captured: one file each, none imported by us."""

from __future__ import annotations

from aimon_nb.wire import cached_answers, litellm_cache
from aimon_nb.wire.clients import aiohttp, botocore, httpx, lm15, requests, urllib3

# By the module whose import brings the client.
TRANSPORTS = {
    "httpx": httpx,
    "httpx2": httpx,
    "aiohttp": aiohttp,
    "requests": requests,
    "botocore.httpsession": botocore,
    "urllib3": urllib3,
    "lm15.transports": lm15,
    "dspy._vendor.lm15.transports": lm15,
}
# By the module of a cache whose answers pass no client, or carry no mark when they do.
CACHES = {
    "requests_cache.session": requests.install_above,
    "aiohttp_client_cache.session": aiohttp.install_above,
    "litellm.caching.caching_handler": litellm_cache.install,
    "vcr.cassette": cached_answers.install,
    "vcr.stubs.aiohttp_stubs": aiohttp.install_vcr,
}
