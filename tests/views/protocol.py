"""What the kernel and the page tell each other, as both sides have it: `python -m tests.views.protocol` writes protocol.ts.

TypeScript holds it against `protocol.d.ts` (`make lint`), Python against what it sends and
understands, and node against what the page takes in and asks.
"""

import json
import re
from pathlib import Path

from tests.views import samples

from aimon_nb.views.live.widget.kernel_widget import RunChannel
from aimon_nb.views.live.widget.run_publisher import RunPublisher

FILE = Path(__file__).with_name("protocol.ts")
HEAD = """// Written by `python -m tests.views.protocol`: messages as Python tells them and understands them.
import type { FromPage, ToPage } from '../../aimon_nb/views/live/widget/protocol';

export const told: ToPage[] = %s;
export const asked: FromPage[] = %s;
"""
ASKED = [{"run_id": "agentic", "k": "ask"}, {"run_id": "agentic", "k": "hello"}, {"run_id": "agentic", "k": "want", "ids": ["c1"]},
         {"run_id": "agentic", "k": "raw", "id": "c1"}, {"run_id": "agentic", "k": "media", "id": "c1", "media": "1.0"},
         {"run_id": "agentic", "k": "code", "id": "c1", "form": "python"}, {"run_id": "agentic", "k": "diff", "id": "c4", "other": None}]


class Channel(RunChannel):
    """The kernel's side of a run, whose messages are kept."""

    def __init__(self, run_id, make_snapshot):
        self.run_id, self.make_snapshot, self.is_open, self.told = run_id, make_snapshot, False, []

    def announce(self):
        """No page is loaded here."""

    def post(self, message, buffers=()):
        self.told.append(json.loads(json.dumps({"run_id": self.run_id, **message})))


def channel_of(name):
    """A run of the samples, and what carries its messages."""
    run = samples.ALL[name]()
    run.run_id = name
    return run, RunPublisher(run, Channel)


def told():
    """Each kind of message: rows, details, what an answer grew by, a snapshot, the end."""
    run, publisher = channel_of("finished")
    run.run_id = publisher.channel.run_id = "agentic"
    publisher.send(list(run.spans))
    publisher.send_all()
    publisher.channel.send_previews({"c5": ("a question", "an answer")})
    publisher.channel.send_growth({"c5": " and more"})
    publisher.channel.receive({"k": "ask"})
    publisher.channel.remember()
    for question in ASKED[3:]:
        publisher.channel.receive(question)
    failed, other = channel_of("failed")
    other.send(list(failed.spans))
    return publisher.channel.told + other.channel.told


def written():
    """What stands in the file: what is told, and what is asked."""
    return [json.loads(text) for text in re.findall(r"^export const \w+: \w+\[\] = (.*);$", FILE.read_text("utf-8"), re.MULTILINE)]


if __name__ == "__main__":
    FILE.write_text(HEAD % (json.dumps(told()), json.dumps(ASKED)), "utf-8")
