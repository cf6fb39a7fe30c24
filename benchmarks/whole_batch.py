"""What a batch of 5,000 items costs in all threads: ms of CPU an item, in a kernel.

    python benchmarks/whole_batch.py [ROUNDS [ITEMS]]

One call an item by OpenAI's client against a server in another process. In turn: a kernel without the extension, and one
with it, whose cell shows a live view (no page is open), none, or none under a budget. CPU is of the kernel's whole process,
from before the cell until it is idle again; what is ours is the difference to the bare loop of the same round.
"""

import ast
import asyncio
import json
import statistics
import sys
from multiprocessing import Process, Queue

from jupyter_client import KernelManager

ROUNDS, ITEMS = [*map(int, sys.argv[1:]), *(3, 5_000)[len(sys.argv) - 1 :]]
CALL = """
import openai, time
client = openai.OpenAI(base_url={url!r}, api_key="k", max_retries=0)
def ask(number):
    return client.chat.completions.create(model="gpt-4o-mini", messages=[dict(role="user", content=f"What is {{number}}?")])
ask(0)
"""
EXTENSION = """
%load_ext aimon_nb
import aimon_nb
aimon_nb.pricing.host({host!r}, provider="openai")
"""
LOOP = f"for number in aimon_nb.progress(range({ITEMS})): ask(number)"
CONTENDERS = {
    "live view": f"%%ai_track batch --view live\n{LOOP}",
    "no view": f"%%ai_track batch --view none\n{LOOP}",
    "no view, a budget": f"%%ai_track batch --view none --budget 1000\n{LOOP}",
}
BARE = f"for number in range({ITEMS}): ask(number)"
ANSWER = json.dumps({
    "id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "words " * 100}}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 100, "total_tokens": 107},
}).encode()  # fmt: skip
HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(ANSWER)}\r\n\r\n".encode()


def serve(ports):
    """Answer every request on a connection that stays open; its port goes into `ports`."""

    async def answer(reader, writer):
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            writer.write(HEAD + ANSWER)

    async def main():
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


class Kernel:
    def __init__(self):
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(60)

    def run(self, source):
        reply = self.client.execute_interactive(source, output_hook=lambda _: None, timeout=600)["content"]
        assert reply["status"] == "ok", reply

    def value(self, expression):
        reply = self.client.execute_interactive("", silent=True, user_expressions={"x": expression}, timeout=60)["content"]
        return ast.literal_eval(reply["user_expressions"]["x"]["data"]["text/plain"])

    def cpu_of(self, source):
        """Seconds of CPU of the kernel's process, all threads, until it does nothing more."""
        before = self.value("time.process_time()")
        self.run(source)
        after = self.value("time.process_time()")
        while True:
            last, after = after, self.value("(time.sleep(0.3), time.process_time())[1]")
            if after - last < 0.02:
                return last - before

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def main():
    ports = Queue()
    server = Process(target=serve, args=(ports,), daemon=True)
    server.start()
    host = f"127.0.0.1:{ports.get()}"
    bare, ours = Kernel(), Kernel()
    figures = {name: [] for name in ("the loop itself", *CONTENDERS)}
    try:
        for kernel, setup in ((bare, CALL), (ours, EXTENSION + CALL)):
            kernel.run(setup.format(url=f"http://{host}/v1", host=host))
        for _ in range(ROUNDS):
            loop = bare.cpu_of(BARE) / ITEMS * 1e3
            figures["the loop itself"].append(loop)
            for name, source in CONTENDERS.items():
                figures[name].append(ours.cpu_of(source) / ITEMS * 1e3 - loop)
    finally:
        bare.stop()
        ours.stop()
        server.kill()
    for name, values in figures.items():
        print(f"{name:20} {statistics.median(values):6.2f} ms an item   ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
