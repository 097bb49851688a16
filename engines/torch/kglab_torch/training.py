"""Training steps for kglab, which sends weights, batches and learning rates and keeps the checkpoints.

All parameters lie in one block in kglab's order, and so do gradients and moments: parts of them go to and fro as they
are, processes add their gradients up in one call, and the optimiser runs over long stretches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load, save

from .channel import Failure, Frame
from .model import LanguageModel
from .optimizers import Optimizer
from .team import Team

#: Values of one frame that brings weights or moments.
CHUNK = 1 << 24
#: Where no loss is taken.
IGNORED = -100


@dataclass
class Batch:
    """Sequences back to back, as kglab has them."""

    tokens: torch.Tensor
    targets: torch.Tensor
    offsets: torch.Tensor

    @property
    def loss_count(self) -> int:
        return int((self.targets >= 0).sum())

    def rectangles(self, share: slice, most: int, round_to: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Some of the sequences as rectangles of at most `most` tokens, padded at the end, and their targets.

        What is padded comes after all that is real, so that causal attention needs no mask.
        """
        starts, lengths = self.offsets[:-1][share], self.offsets.diff()[share]
        order = torch.argsort(lengths, stable=True, descending=True)
        first = 0
        while first < len(order):
            width = -(-int(lengths[order[first]]) // round_to) * round_to
            rows = order[first : first + max(1, most // width)]
            first += len(rows)
            places = torch.arange(width)
            is_real = places < lengths[rows, None]
            index = torch.where(is_real, starts[rows, None] + places, 0)
            targets = self.targets[index]
            yield (
                torch.where(is_real, self.tokens[index], 0),
                torch.where(is_real & (targets >= 0), targets, IGNORED),
            )


class Trainer:
    """A model with its optimiser on one device, the same in every process of the team."""

    def __init__(self, team: Team, settings: dict[str, Any]) -> None:
        self.team = team
        if settings["threads"]:
            torch.set_num_threads(int(settings["threads"]))
        self.device = team.device(settings["device"])
        model = settings["model"]
        places = {t["name"]: (int(t["offset"]), [int(size) for size in t["shape"]]) for t in settings["tensors"]}
        count = int(settings["count"])
        self.values = torch.zeros(count, device=self.device)
        self.gradients = torch.zeros(count, device=self.device)
        self.optimizer = Optimizer(settings, count, self.device)
        shape = SimpleNamespace(
            layers=model["layers"],
            width=model["width"],
            heads=model["heads"],
            hidden=model["hidden"],
            head_width=model["width"] // model["heads"],
        )
        with torch.device("meta"):
            self.model = LanguageModel(
                shape,
                model["vocabulary"],
                model["context"],
                head_norm=model["query_key_norm"],
                tied=model["tied"],
                activation=model["activation"],
            )
        self.model.cosines = self.model.cosines.to(self.device)
        self.model.sines = self.model.sines.to(self.device)
        self.model.bind(self.values, self.gradients, places)
        self.autocasts = settings["precision"] == "bf16"
        self.z_loss = float(settings["z_loss"])
        self.most = int(settings["micro_batch_tokens"])
        self.compiles = bool(settings["compile"])
        self.objective = torch.compile(self._objective, dynamic=True) if self.compiles else self._objective
        #: Values that stay 0; None where all are free.
        self.zeros: torch.Tensor | None = None
        self.norm = 0.0

    @property
    def device_name(self) -> str:
        if self.device.type != "cuda":
            return self.device.type
        names = torch.cuda.get_device_name(self.device)
        return f"{self.device} {names}" if self.team.size == 1 else f"{self.team.size} x cuda {names}"

    def _objective(self, tokens: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The sum over tokens of what is made small, and of the loss alone."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocasts):
            logits = self.model(tokens)
        logits, targets = logits.float().flatten(0, 1), targets.flatten()
        loss = F.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")
        if not self.z_loss:
            return loss, loss.detach()
        squares = torch.logsumexp(logits, -1).square().masked_fill(targets == IGNORED, 0).sum()
        return loss + self.z_loss * squares, loss.detach()

    def gradient(self, batch: Batch) -> dict[str, float]:
        """The summed loss of a batch in nats and the norm of its gradient, which stays for `update`."""
        self.gradients.zero_()
        scale = 1 / max(batch.loss_count, 1)
        wide = torch.float32 if self.device.type == "mps" else torch.float64
        loss = torch.zeros(1, dtype=wide, device=self.device)
        share = slice(self.team.rank, None, self.team.size)
        for tokens, targets in batch.rectangles(share, self.most, 8 if self.compiles else 1):
            objective, part = self.objective(tokens.to(self.device), targets.to(self.device))
            (objective * scale).backward()  # type: ignore[no-untyped-call]
            loss += part
        self.team.sum(self.gradients)
        self.team.sum(loss)
        self.norm = self.optimizer.norm(self.gradients)
        return {"loss": loss.item(), "norm": self.norm}

    def update(self, rate: float, number: int) -> None:
        """A step along the gradient that was computed last."""
        self.optimizer.step(self.values, self.gradients, self.norm, rate, number)
        if self.zeros is not None:
            self.values.masked_fill_(self.zeros, 0)

    # Weights and moments, in parts

    def block(self, name: str) -> torch.Tensor:
        blocks = {"weights": self.values, "first": self.optimizer.first, "second": self.optimizer.second}
        return blocks[name]

    def take(self, name: str, offset: int, values: torch.Tensor) -> None:
        """Values of a part of a block; those of `kept` say which weights are to stay 0."""
        part = slice(offset, offset + values.numel())
        if name == "kept":
            if self.zeros is None:
                self.zeros = torch.zeros(self.values.numel(), dtype=torch.bool, device=self.device)
            self.zeros[part] = (values == 0).to(self.device)
        else:
            self.block(name)[part].copy_(values)

    def give(self) -> None:
        """Sends weights and moments, in order."""
        for name in ("weights", "first", "second"):
            for offset, part in enumerate(torch.split(self.block(name), CHUNK)):
                if self.team.leads:
                    body = save({"values": part.cpu().contiguous()})
                    self.team.send(Frame("values", {"block": name, "offset": offset * CHUNK}, body))
        self.team.send(Frame("collected"))


def serve(team: Team, start: Frame) -> None:
    """Does what kglab asks of one training, until it says `finish`."""
    trainer = Trainer(team, start.fields)
    team.send(Frame("ready", {"device": trainer.device_name}))
    while True:
        frame = team.receive()
        if frame.kind == "values":
            trainer.take(frame.fields["block"], int(frame.fields["offset"]), load(frame.body)["values"])
        elif frame.kind == "gradient":
            arrays = load(frame.body)
            batch = Batch(arrays["tokens"].long(), arrays["targets"].long(), arrays["offsets"].long())
            team.send(Frame("gradient", trainer.gradient(batch)))
        elif frame.kind == "update":
            trainer.update(float(frame.fields["learning_rate"]), int(frame.fields["number"]))
        elif frame.kind == "collect":
            trainer.give()
        elif frame.kind == "finish":
            return
        else:
            raise Failure("unknown", f"a training does not know what '{frame.kind}' is")
