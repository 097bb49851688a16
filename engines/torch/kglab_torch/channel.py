"""Frames to and from kglab over standard input and output.

A frame is 8 bytes of length and so much JSON with the key `kind`, then 8 bytes of length and so much of a safetensors
file, or nothing; lengths are little-endian. Nothing here needs more than Python itself.
"""

from __future__ import annotations

import json
import math
import os
import struct
import sys
import threading
from dataclasses import dataclass, field
from typing import Any, BinaryIO

#: Seconds between two signs of life.
PULSE = 5.0


class Closed(Exception):
    """kglab has ended, or wants no more."""


@dataclass
class Frame:
    """One message: what it is, its fields, and a safetensors file as bytes."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""

    def encoded(self) -> bytes:
        header = json.dumps({**_plain(self.fields), "kind": self.kind}, allow_nan=False).encode()
        return struct.pack("<Q", len(header)) + header + struct.pack("<Q", len(self.body)) + self.body


class Failure(Exception):
    """What kglab says to its user: a code that it knows, and a clause."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Channel:
    """Frames over a pair of binary files, with a sign of life every few seconds from a thread of its own."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader, self._writer = reader, writer
        self._lock = threading.Lock()

    @classmethod
    def over_standard_streams(cls) -> Channel:
        """Takes standard output for frames alone; whatever else is printed goes to standard error."""
        writer = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        return cls(sys.stdin.buffer, writer)

    def live(self) -> None:
        """From now on gives signs of life, and ends the process where nobody takes them."""

        def beat() -> None:
            pause = threading.Event()
            while True:
                try:
                    self.send(Frame("alive"))
                except Closed:
                    os._exit(0)
                pause.wait(PULSE)

        threading.Thread(target=beat, daemon=True, name="alive").start()

    def send(self, frame: Frame) -> None:
        data = frame.encoded()
        with self._lock:
            try:
                self._writer.write(data)
                self._writer.flush()
            except (BrokenPipeError, ValueError) as error:
                raise Closed from error

    def receive(self) -> Frame:
        """The next frame; raises Closed at the end of the input."""
        header = json.loads(self._part())
        kind = header.pop("kind")
        return Frame(kind, header, self._part())

    def _part(self) -> bytes:
        return self._bytes(struct.unpack("<Q", self._bytes(8))[0])

    def _bytes(self, count: int) -> bytes:
        data = self._reader.read(count)
        if len(data) < count:
            raise Closed
        return data


def _plain(value: Any) -> Any:
    """The value as JSON can say it: numbers that are not finite become text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
