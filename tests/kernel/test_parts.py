"""The real parts themselves work, before anything is tested with them."""

import os
import subprocess
import sys

import nbformat
import pytest

from tests.parts import sdk


class TestKernel:
    def test_a_value_an_error_and_an_interrupt(self, kernel):
        """A kernel gives values, errors and interrupts as a front-end sees them."""
        value, error = kernel.run(["1+1", "print('before')\n1/0"])
        assert ("ok", ["2"]) == (value.status, value.data())
        assert ("error", "ZeroDivisionError", "before\n") == (error.status, error.ename, error.text)
        assert any("----> 2 1/0" in line for line in error.traceback)

        stopped = kernel.cell("import time\nprint('ready')\ntime.sleep(600)", interrupt_when="ready")
        assert "KeyboardInterrupt" == stopped.ename
        assert ["3"] == kernel.cell("1+2").data()

    def test_displays_are_held_as_a_saved_notebook_holds_them(self, kernel, tmp_path):
        """A display updated by id from a later cell, and cleared output, are as in a saved file."""
        first, _second, third = kernel.run(
            [
                "from IPython.display import display\nh = display('old', display_id='x')\nprint('kept')",
                "h.update('new')",
                "from IPython.display import clear_output\nprint('a'); clear_output(wait=True); print('b')",
            ]
        )
        assert ["'new'"] == first.data()
        assert "b\n" == third.text
        saved = nbformat.read(kernel.save(tmp_path / "n.ipynb"), 4)
        assert "b\n" == saved.cells[2].outputs[0].text

    def test_late_output_of_a_task_finds_its_cell(self, kernel):
        """What a task prints after its cell has ended stands under the cell that made it."""
        first, _ = kernel.run(
            [
                "import asyncio\ngo = asyncio.Event()\nasync def f():\n    await go.wait(); print('late')\nt = asyncio.create_task(f())",
                "go.set()\nawait t",
            ]
        )
        assert "late\n" == first.text

    def test_silent(self, kernel):
        """A silent request runs, shows nothing and counts no cell."""
        kernel.cell("x = 41", silent=True)
        assert 42 == kernel.value("x + 1")
        assert ["42"] == kernel.cell("x + 1").data()
        assert 1 == len(kernel.notebook.cells)

    def test_environment(self, kernel, home):
        """A kernel knows no key, no DSN and no folder of the person who runs the tests."""
        names = kernel.value("[n for n in __import__('os').environ if n.startswith(('SENTRY_DSN', 'OPENAI_'))]")
        assert [] == names
        assert str(home) == kernel.value("__import__('os').path.expanduser('~')")


class TestNetwork:
    def test_another_machine_cannot_be_reached(self, no_network):
        """A guarded process cannot leave the machine, and its try is on record."""
        code = (
            "import socket\n"
            "for host in ('192.0.2.1', 'example.com'):\n"
            "    try: socket.create_connection((host, 80), 1)\n"
            "    except OSError as error: print(error)\n"
        )
        run = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **no_network.env}, capture_output=True, text=True, timeout=30
        )
        assert 2 == run.stdout.count("network guard"), run
        assert {"192.0.2.1", "example.com"} == {a["host"] for a in no_network.attempts}

    def test_a_kernel_and_loopback_work(self, no_network, kernels, truth):
        """A guarded kernel starts and reaches a server on this machine, and tries nothing else."""
        kernel = kernels(env={**no_network.env, "U": truth.url}, fresh=True)
        cell = kernel.cell("import os, urllib.request as u\nu.urlopen(os.environ['U'] + '/models').status")
        assert ["200"] == cell.data()
        assert [] == no_network.attempts


class TestReceiver:
    def test_a_root_and_an_error_from_a_kernel(self, receiver, kernels):
        """What a kernel sends arrives, error events too."""
        kernel = kernels(env={"SENTRY_DSN": receiver.dsn})
        kernel.run(
            [
                "import sentry_sdk\nsentry_sdk.init(traces_sample_rate=1.0, default_integrations=False)",
                f"with {sdk.code_of_root('x', 'k')}: pass\n"
                "sentry_sdk.capture_exception(ValueError('v')); sentry_sdk.flush(5)",
            ]
        )
        assert ["k"] == [root["name"] for root in receiver.roots()]
        assert ["ValueError"] == [e["exception"]["values"][0]["type"] for e in receiver.wait("event")]
