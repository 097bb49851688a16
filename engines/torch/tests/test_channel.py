"""The engine's process as kglab sees it: frames, and what becomes of failures."""

import io
import os
import pathlib
import struct
import subprocess
import sys
import unittest

from kglab_torch import PROTOCOL
from kglab_torch.channel import Channel, Closed, Frame

PACKAGE = pathlib.Path(__file__).resolve().parents[1]


def engine(setup: str = "", **environment: str) -> subprocess.Popen:
    """The engine, after some Python that stands for what is wrong with an installation."""
    code = f"{setup}\nimport runpy\nrunpy.run_module('kglab_torch', run_name='__main__')"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(PACKAGE), **environment},
    )


def talk(process: subprocess.Popen) -> Channel:
    return Channel(process.stdout, process.stdin)


def next_frame(channel: Channel) -> Frame:
    while True:
        frame = channel.receive()
        if frame.kind != "alive":
            return frame


class ChannelTests(unittest.TestCase):
    def test_the_bytes_of_a_frame(self):
        out = io.BytesIO()
        Channel(io.BytesIO(), out).send(Frame("x", {"a": float("inf"), "b": [1, float("nan")]}, b"body"))
        header = b'{"a": "inf", "b": [1, "nan"], "kind": "x"}'
        self.assertEqual(out.getvalue(), struct.pack("<Q", len(header)) + header + struct.pack("<Q", 4) + b"body")
        again = Channel(io.BytesIO(out.getvalue()), io.BytesIO()).receive()
        self.assertEqual((again.kind, again.fields["b"], again.body), ("x", [1, "nan"], b"body"))

    def test_a_frame_that_is_cut_short_is_the_end(self):
        whole = Frame("x", {"a": 1}).encoded()
        for length in range(len(whole)):
            with self.assertRaises(Closed):
                Channel(io.BytesIO(whole[:length]), io.BytesIO()).receive()

    def test_hello_says_versions_and_devices_and_the_end_of_input_ends_it(self):
        process = engine()
        hello = next_frame(talk(process))
        self.assertEqual((hello.kind, hello.fields["protocol"]), ("hello", PROTOCOL))
        self.assertIn("torch", hello.fields["versions"])
        self.assertEqual(hello.fields["devices"][-1], {"device": "cpu"})
        process.stdin.close()
        self.assertEqual(process.wait(60), 0)
        process.stdout.close()

    def test_what_is_printed_does_not_get_between_frames(self):
        process = engine("import builtins; print('noise')\nimport kglab_torch.channel as c\n"
                         "live = c.Channel.live\nc.Channel.live = lambda self: (print('more noise'), live(self))")
        # Before the engine has its streams a print is a broken frame; after that it goes to standard error.
        self.assertEqual(process.stdout.readline(), b"noise\n")
        self.assertEqual(next_frame(talk(process)).kind, "hello")
        process.communicate(timeout=60)

    def test_failures_are_frames(self):
        missing = "import sys; sys.modules['safetensors'] = None"
        full = "import torch\ndef full(): raise RuntimeError('CUDA out of memory.')\ntorch.cuda.device_count = full"
        for setup, code, words in [
            (missing, "missing_package", "safetensors"),
            (full, "out_of_memory", "CUDA out of memory"),
        ]:
            with self.subTest(code):
                process = engine(setup)
                frame = next_frame(talk(process))
                self.assertEqual((frame.kind, frame.fields["code"]), ("error", code))
                self.assertIn(words, frame.fields["message"])
                process.communicate(timeout=60)
                self.assertEqual(process.returncode, 1)

    def test_what_it_does_not_know_is_an_error(self):
        process = engine()
        channel = talk(process)
        next_frame(channel)
        channel.send(Frame("dance"))
        self.assertIn("dance", next_frame(channel).fields["message"])
        process.communicate(timeout=60)


if __name__ == "__main__":
    unittest.main()
