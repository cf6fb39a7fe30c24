"""How each HTTP client is used: what its user's code sees, as plain values to compare."""

import asyncio

from aimon_nb.model.errors import RequestRefusedError

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
STREAMED = {**BODY, "stream": True}


CONNECTS = 20  # seconds: a busy machine is no reason to fail


def patience(url):
    """Seconds a client waits for more of an answer: not long where none will come."""
    return 0.05 if "/silent/" in url else 20


def failure(error):
    """What a user's code can tell of an exception."""
    chain = []
    while error is not None:
        chain.append((type(error).__module__, type(error).__name__, _text(error)))
        error = error.__cause__
    return chain


def _text(error):
    import re

    return re.sub(r"0x[0-9a-f]+|port=\d+, (?=pool)", "…", str(error))


def outcome(use, *args):
    try:
        return use(*args)
    except (Exception, RequestRefusedError) as error:
        return failure(error)


def _httpx(name):
    def use(url, mode):
        module = __import__(name)
        seen = []
        with module.Client(
            timeout=module.Timeout(CONNECTS, read=patience(url)),
            event_hooks={
                "request": [lambda r: seen.append("request")],
                "response": [lambda r: seen.append("response")],
            },
        ) as client:
            if mode == "whole":
                r = client.post(url, json=BODY)
                return _told(r, seen, r.content, r.text)
            with client.stream("POST", url, json=BODY) as r:
                if mode == "raw":
                    got = b"".join(r.iter_raw())
                elif mode == "lines":
                    got = list(r.iter_lines())
                elif mode == "left":
                    got = len(next(r.iter_bytes())) > 0
                else:
                    got = b"".join(r.iter_bytes())
            return _told(r, seen, got)

    return use


def _httpx_async(name):
    async def use(url, mode):
        module = __import__(name)
        async with module.AsyncClient(timeout=module.Timeout(CONNECTS, read=patience(url))) as client:
            if mode == "whole":
                r = await client.post(url, json=BODY)
                return _told(r, [], r.content, r.text)
            async with client.stream("POST", url, json=BODY) as r:
                if mode == "raw":
                    got = b"".join([c async for c in r.aiter_raw()])
                elif mode == "lines":
                    got = [c async for c in r.aiter_lines()]
                elif mode == "left":
                    async for c in r.aiter_bytes():
                        got = len(c) > 0
                        break
                else:
                    got = b"".join([c async for c in r.aiter_bytes()])
            return _told(r, [], got)

    return lambda url, mode: asyncio.run(use(url, mode))


def _told(r, seen, *got):
    return (
        type(r).__name__,
        r.status_code,
        sorted(r.headers.items()),
        r.is_closed,
        r.is_stream_consumed,
        r.num_bytes_downloaded,
        seen,
        got,
    )


def use_requests(url, mode):
    import requests

    with requests.Session() as session:
        r = session.post(url, json=BODY, timeout=(CONNECTS, patience(url)), stream=mode != "whole")
        if mode == "whole":
            got = r.content, r.text
        elif mode == "raw":
            got = r.raw.read(), type(r.raw).__name__, r.raw.tell()
        elif mode == "lines":
            got = list(r.iter_lines())
        elif mode == "left":
            got = len(next(r.iter_content(64))) > 0
            r.close()
        else:
            got = b"".join(r.iter_content(17))
        return (
            type(r).__name__,
            r.status_code,
            sorted(r.headers.items()),
            len(r.history),
            r.raw.closed,
            got,
        )


def use_urllib3(url, mode):
    import urllib3

    timeout = urllib3.Timeout(connect=CONNECTS, read=patience(url))
    with urllib3.PoolManager(retries=False, timeout=timeout) as pool:
        r = pool.request("POST", url, json=BODY, preload_content=mode == "whole")
        if mode == "whole":
            got = r.data
        elif mode == "raw":
            got = r.read(decode_content=False)
        elif mode == "lines":
            got = []
            while piece := r.read(33):
                got.append(piece)
        elif mode == "left":
            got = len(r.read(20))
            r.close()
        else:
            got = b"".join(r.stream(50))
        return type(r).__name__, r.status, sorted(r.headers.items()), r.closed, got


def use_botocore(url, mode):
    import json

    from botocore.awsrequest import AWSRequest
    from botocore.httpsession import URLLib3Session

    request = AWSRequest(
        "POST", url, data=json.dumps(BODY).encode(), stream_output=mode != "whole"
    ).prepare()
    r = URLLib3Session(timeout=(CONNECTS, patience(url))).send(request)
    if mode == "whole":
        got = r.content
    elif mode == "left":
        got = len(next(r.raw.stream(64))) > 0
        r.raw.close()
    elif mode == "raw":
        got = r.raw.read()
    else:
        got = b"".join(r.raw.stream(64))
    return type(r).__name__, r.status_code, sorted(r.headers.items()), got


def use_aiohttp(url, mode):
    async def use():
        import aiohttp

        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_read=patience(url)),
            auto_decompress=mode != "raw",
        ) as session:
            async with session.post(url, json=BODY) as r:
                if mode in ("whole", "raw"):
                    got = await r.read()
                elif mode == "lines":
                    got = [line async for line in r.content]
                elif mode == "left":
                    got = len(await r.content.readany()) > 0
                else:
                    got = b"".join([c async for c in r.content.iter_chunked(40)])
                return (
                    type(r).__name__,
                    type(r.content).__name__,
                    r.status,
                    sorted(r.headers.items()),
                    len(r.history),
                    got,
                )

    return asyncio.run(use())


def _lm15_told(r, got):
    return type(r).__name__, r.status, sorted(r.headers), r._released, got


def _lm15_request(url):
    import json

    from lm15.transports import TransportRequest

    head = [("content-type", "application/json"), ("accept-encoding", "gzip, deflate")]
    return TransportRequest("POST", url, head, json.dumps(BODY).encode(), read_timeout=patience(url))


def use_lm15(url, mode):
    from lm15.transports import StdlibTransport

    with StdlibTransport(trust_env=False) as transport, transport.stream(_lm15_request(url)) as r:
        if mode == "whole":
            got = r.read()
        elif mode == "lines":
            got = list(r.iter_lines())
        elif mode == "left":
            got = len(next(iter(r))) > 0
        else:
            got = b"".join(r)
        return _lm15_told(r, got)


def use_lm15_async(url, mode):
    async def use():
        from lm15.transports import StdlibAsyncTransport

        async with StdlibAsyncTransport(trust_env=False) as transport, transport.stream(_lm15_request(url)) as r:
            if mode == "whole":
                got = await r.read()
            elif mode == "lines":
                got = [line async for line in r.aiter_lines()]
            elif mode == "left":
                async for chunk in r:
                    got = len(chunk) > 0
                    break
            else:
                got = b"".join([chunk async for chunk in r])
            return _lm15_told(r, got)

    return asyncio.run(use())


CLIENTS = {
    "httpx": _httpx("httpx"),
    "httpx-async": _httpx_async("httpx"),
    "httpx2": _httpx("httpx2"),
    "httpx2-async": _httpx_async("httpx2"),
    "requests": use_requests,
    "urllib3": use_urllib3,
    "botocore": use_botocore,
    "aiohttp": use_aiohttp,
    "lm15": use_lm15,
    "lm15-async": use_lm15_async,
}


def read_stream(name, url, each):
    """Read a stream piece by piece: `each()` is called when one is in the user's hands."""
    if name.startswith("httpx") and not name.endswith("async"):
        module = __import__(name)
        with module.Client() as client, client.stream("POST", url, json=STREAMED) as r:
            for _ in r.iter_bytes():
                each()
    elif name.startswith("httpx"):

        async def use():
            module = __import__(name.partition("-")[0])
            async with module.AsyncClient() as client, client.stream("POST", url, json=STREAMED) as r:
                async for _ in r.aiter_bytes():
                    each()

        asyncio.run(use())
    elif name == "requests":
        import requests

        for _ in requests.post(url, json=STREAMED, stream=True).iter_content(None):
            each()
    elif name == "aiohttp":

        async def use():
            import aiohttp

            async with aiohttp.ClientSession() as session, session.post(url, json=STREAMED) as r:
                async for _ in r.content.iter_any():
                    each()

        asyncio.run(use())
