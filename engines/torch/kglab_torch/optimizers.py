"""The update rules of kglab, on blocks of parameters: what Sources/Training/Loop/Optimizer.swift does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

#: The most values that are updated at once, so that what is in between stays small.
PIECE = 1 << 26
#: adam-atan2 multiplies the angle by this (Everett 2024, arXiv 2407.05872).
ATAN2_SCALE = 1.27


@dataclass
class Stretch:
    """Neighbouring parameters that are updated alike."""

    start: int
    end: int
    #: Multiplies the learning rate of parameters.
    rate_factor: float
    #: What a parameter is multiplied by to be the weight that is stored.
    multiplier: float
    epsilon: float
    #: What is multiplied by the rate of weights for decay.
    decay: float
    #: That of the tensor where its values are updated together.
    shape: list[int] | None = None

    def pieces(self) -> Iterator[slice]:
        size = self.end - self.start if self.shape is not None else PIECE
        for start in range(self.start, self.end, size):
            yield slice(start, min(start + size, self.end))


class Optimizer:
    """Moments and the rule; `settings` are the fields of the frame `train`."""

    def __init__(self, settings: dict[str, Any], count: int, device: torch.device) -> None:
        self.rule: str = settings["optimizer"]
        self.beta1, self.beta2 = float(settings["beta1"]), float(settings["beta2"])
        self.clip_norm = float(settings["clip_norm"])
        self.stretches = [Stretch(**stretch) for stretch in settings["stretches"]]
        self.first = torch.zeros(count, device=device)
        self.second = torch.zeros(count, device=device)

    def norm(self, gradient: torch.Tensor) -> float:
        """The norm of the parameters' gradient, given that of weights."""
        squares = [
            torch.linalg.vector_norm(gradient[s.start : s.end] * s.multiplier if s.multiplier != 1
                                     else gradient[s.start : s.end]).item() ** 2
            for s in self.stretches
        ]
        return math.sqrt(sum(squares))

    @torch.no_grad()
    def step(self, values: torch.Tensor, gradient: torch.Tensor, norm: float, rate: float, number: int) -> None:
        """One update of weights, at the schedule's rate; `number` counts from 0."""
        clip = self.clip_norm / norm if 0 < self.clip_norm < norm else 1.0
        for stretch in self.stretches:
            own = rate * stretch.rate_factor * stretch.multiplier
            for piece in stretch.pieces():
                parts = values[piece], self.first[piece], self.second[piece]
                scaled = gradient[piece] * (clip * stretch.multiplier)
                if self.rule == "adamw":
                    self._adamw(*parts, scaled, own, stretch, number)
                elif self.rule == "adam-atan2":
                    self._atan2(*parts, scaled, own, stretch, number)
                elif self.rule == "sgd":
                    w, m, _ = parts
                    m.mul_(self.beta1).add_(scaled)
                    w.mul_(1 - own * stretch.decay).sub_(m, alpha=own)
                elif self.rule == "adafactor":
                    _adafactor(parts[0], parts[2], scaled, own, stretch, number)
                else:
                    raise ValueError(f"there is no optimizer '{self.rule}'")

    def _moments(self, m: torch.Tensor, v: torch.Tensor, g: torch.Tensor, least: float) -> None:
        # What is too small to matter becomes 0, as natively, where it would be slow.
        g.masked_fill_(g.abs() < least, 0)
        m.lerp_(g, 1 - self.beta1)
        v.lerp_(g.square_(), 1 - self.beta2)

    def _adamw(
        self, w: torch.Tensor, m: torch.Tensor, v: torch.Tensor, g: torch.Tensor, rate: float, s: Stretch, number: int
    ) -> None:
        self._moments(m, v, g, 1e-15)
        root = (v / (1 - self.beta2 ** (number + 1))).sqrt_().add_(s.epsilon)
        w.mul_(1 - rate * s.decay).addcdiv_(m, root, value=-rate / (1 - self.beta1 ** (number + 1)))

    def _atan2(
        self, w: torch.Tensor, m: torch.Tensor, v: torch.Tensor, g: torch.Tensor, rate: float, s: Stretch, number: int
    ) -> None:
        self._moments(m, v, g, 1e-17)
        v.masked_fill_(v < 1e-37, 0)
        mean = m / (1 - self.beta1 ** (number + 1))
        angle = torch.atan2(mean, (v / (1 - self.beta2 ** (number + 1))).sqrt_())
        # No step where v is 0: m may outlast it, and the angle would jump to a right one.
        angle.masked_fill_(v == 0, 0)
        w.mul_(1 - rate * s.decay).sub_(angle, alpha=rate * ATAN2_SCALE)


def _adafactor(
    w: torch.Tensor, means: torch.Tensor, g: torch.Tensor, rate: float, s: Stretch, number: int
) -> None:
    """Adafactor with parameter scaling (Shazeer & Stern 2018, arXiv 1804.04235, algorithm 4)."""
    old = 1 - float(number + 1) ** -0.8
    shape = s.shape or [w.numel()]
    if len(shape) == 2 and shape[0] + shape[1] <= g.numel():
        rows, columns = shape
        squares = g.view(rows, columns).square()
        row, column = means[:rows], means[rows : rows + columns]
        row.copy_(old * row + (1 - old) * (squares.mean(1) + 1e-30))
        column.copy_(old * column + (1 - old) * (squares.mean(0) + 1e-30))
        update = g.view(rows, columns) * (row.mean() / row).sqrt()[:, None] / column.sqrt()[None, :]
        update = update.view(-1)
    else:
        means.copy_(old * means + (1 - old) * (g.square() + 1e-30))
        update = g / means.sqrt()
    size = _root_mean_square(w) / s.multiplier
    step = rate * max(1e-3, size) / max(1.0, _root_mean_square(update))
    w.mul_(1 - rate * s.decay).sub_(update, alpha=step)


def _root_mean_square(values: torch.Tensor) -> float:
    return float(values.square().mean().sqrt().item())
