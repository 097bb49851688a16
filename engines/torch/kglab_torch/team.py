"""The processes that do one piece of work together: one by itself, or those that torchrun started."""

from __future__ import annotations

import os
import pickle
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from .channel import Channel, Closed, Failure, Frame

#: Seconds that processes wait for each other.
PATIENCE = 600


class Team:
    """Rank 0 speaks with kglab; every process gets each of kglab's frames, in the same order."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        self.local_rank = int(os.environ.get("LOCAL_RANK", "0"))
        if self.size > 1:
            dist.init_process_group(
                "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=timedelta(seconds=PATIENCE)
            )

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def hello(self, fields: dict[str, Any]) -> None:
        """The first frame; values that are functions are called."""
        said = {key: value() if callable(value) else value for key, value in fields.items()}
        self.send(Frame("hello", {**said, "processes": self.size}))

    def send(self, frame: Frame) -> None:
        """A frame to kglab, once for all processes."""
        if self.leads:
            self.channel.send(frame)

    def receive(self) -> Frame:
        """kglab's next frame, for every process; raises Closed in all where there are no more."""
        if self.size == 1:
            return self.channel.receive()
        message = b""
        if self.leads:
            try:
                message = pickle.dumps(self.channel.receive())
            except Closed:
                pass
        length = torch.tensor([len(message)])
        dist.broadcast(length, 0)
        if not length.item():
            raise Closed
        data = (
            torch.frombuffer(bytearray(message), dtype=torch.uint8)
            if self.leads
            else torch.empty(int(length.item()), dtype=torch.uint8)
        )
        dist.broadcast(data, 0)
        frame: Frame = pickle.loads(data.numpy().tobytes())
        return frame

    def sum(self, values: torch.Tensor) -> None:
        """Replaces values by their sum over all processes."""
        if self.size > 1:
            dist.all_reduce(values)

    def device(self, name: str | None) -> torch.device:
        """The device that this process computes on; each process has an accelerator of its own."""
        if name is None:
            if torch.cuda.is_available():
                name = "cuda"
            else:
                name = "mps" if torch.backends.mps.is_available() and self.size == 1 else "cpu"
        try:
            device = torch.device(name)
            if device.type == "cuda" and device.index is None:
                device = torch.device("cuda", self.local_rank)
            torch.empty(1, device=device)
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            reason = str(error).split("\n")[0]
            raise Failure("no_device", f"it cannot compute on the device '{name}' ({reason})") from error
        if device.type == "cuda":
            torch.cuda.set_device(device)
        return device

    def leave(self) -> None:
        """The end of working together."""
        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()
