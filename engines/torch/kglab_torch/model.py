"""kglab's model in PyTorch: pre-norm decoder, RMSNorm, rotary positions, SwiGLU or GELU, no biases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch
import torch.nn as nn
import torch.nn.functional as F

NORM_EPSILON = 1e-6
ROTARY_BASE = 10_000.0

Cache = tuple[torch.Tensor, torch.Tensor]


class Shape(Protocol):
    """Sizes of a model."""

    layers: int
    width: int
    heads: int
    hidden: int
    head_width: int


class RMSNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight, NORM_EPSILON)


def rotate(x: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), -1)


class Block(nn.Module):
    def __init__(self, shape: Shape, head_norm: bool = False, activation: str = "swiglu") -> None:
        super().__init__()
        width, hidden = shape.width, shape.hidden
        self.heads, self.head_width = shape.heads, shape.head_width
        self.gates = activation == "swiglu"
        self.attention_norm, self.feed_forward_norm = RMSNorm(width), RMSNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * hidden if self.gates else hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        self.query_norm, self.key_norm = (
            RMSNorm(shape.head_width) if head_norm else nn.Identity() for _ in range(2)
        )

    def forward(
        self,
        x: torch.Tensor,
        cosines: torch.Tensor,
        sines: torch.Tensor,
        cache: Cache | None = None,
        position: int = 0,
        mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        batch, length, width = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(batch, length, 3, self.heads, self.head_width)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        q, k = self.query_norm(q), self.key_norm(k)
        q, k = rotate(q, cosines, sines), rotate(k, cosines, sines)
        if cache is None:
            y = F.scaled_dot_product_attention(q, k, v.to(q.dtype), attn_mask=mask, is_causal=mask is None)
        else:
            keys, values = cache
            end = position + length
            keys[:, :, position:end] = k
            values[:, :, position:end] = v
            y = F.scaled_dot_product_attention(
                q, keys[:, :, :end], values[:, :, :end], attn_mask=mask, is_causal=mask is None and length > 1
            )
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
        hidden = self.gate_up(self.feed_forward_norm(x))
        if self.gates:
            gate, up = hidden.chunk(2, -1)
            hidden = F.silu(gate) * up
        else:
            hidden = F.gelu(hidden, approximate="tanh")
        change: torch.Tensor = self.down(hidden)
        return x + change


class LanguageModel(nn.Module):
    """A model of a shape; by default, as benchmarks take it, embeddings are tied and heads have no norm."""

    def __init__(
        self,
        shape: Shape,
        vocabulary: int,
        context: int,
        head_norm: bool = False,
        tied: bool = True,
        activation: str = "swiglu",
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, shape.width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(shape, head_norm, activation) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width)
        self.head = nn.Linear(shape.width, vocabulary, bias=False)
        self.tied = tied
        if tied:
            self.head.weight = self.embedding.weight
        half = shape.head_width // 2
        places = torch.arange(context, dtype=torch.float64, device="cpu")
        steps = torch.arange(half, dtype=torch.float64, device="cpu") / half
        angles = places[:, None] * ROTARY_BASE**-steps
        self.cosines: torch.Tensor
        self.sines: torch.Tensor
        self.register_buffer("cosines", angles.cos().float())
        self.register_buffer("sines", angles.sin().float())

    def states(
        self,
        tokens: torch.Tensor,
        caches: Sequence[Cache] | None = None,
        position: int = 0,
        places: Any = None,
        mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The last block's output; `places` are the tokens' places where they are not one after the other."""
        x: torch.Tensor = self.embedding(tokens)
        if places is None:
            places = slice(position, position + tokens.shape[1])
        cosines, sines = self.cosines[places], self.sines[places]
        if cosines.dim() == 3:  # places of each text on its own, the same for all heads
            cosines, sines = cosines[:, None], sines[:, None]
        for index, block in enumerate(self.blocks):
            x = block(x, cosines, sines, caches[index] if caches else None, position, mask)
        return x

    def forward(
        self, tokens: torch.Tensor, caches: Sequence[Cache] | None = None, position: int = 0
    ) -> torch.Tensor:
        x = self.states(tokens, caches, position)
        if caches:
            x = x[:, -1:]  # generation reads the logits of the last position only
        logits: torch.Tensor = self.head(self.norm(x))
        return logits

    def parts(self) -> Iterator[tuple[str, list[str]]]:
        """Each parameter, and the tensors of a model folder of kglab that it is made of, one after the other."""
        yield "embedding.weight", ["model.embed_tokens.weight"]
        for index, block in enumerate(self.blocks):
            own, theirs = f"blocks.{index}.", f"model.layers.{index}."
            yield own + "qkv.weight", [f"{theirs}self_attn.{part}_proj.weight" for part in "qkv"]
            yield own + "out.weight", [theirs + "self_attn.o_proj.weight"]
            ways = ("gate", "up") if block.gates else ("up",)
            yield own + "gate_up.weight", [f"{theirs}mlp.{way}_proj.weight" for way in ways]
            yield own + "down.weight", [theirs + "mlp.down_proj.weight"]
            yield own + "attention_norm.weight", [theirs + "input_layernorm.weight"]
            yield own + "feed_forward_norm.weight", [theirs + "post_attention_layernorm.weight"]
            if isinstance(block.query_norm, RMSNorm):
                yield own + "query_norm.weight", [theirs + "self_attn.q_norm.weight"]
                yield own + "key_norm.weight", [theirs + "self_attn.k_norm.weight"]
        yield "norm.weight", ["model.norm.weight"]
        if not self.tied:
            yield "head.weight", ["lm_head.weight"]

    def take(self, tensors: Mapping[str, Any]) -> None:
        """Weights by their names in a model folder of kglab, as arrays."""
        with torch.no_grad():
            for name, parts in self.parts():
                self.get_parameter(name).copy_(torch.cat([torch.as_tensor(tensors[part]) for part in parts]))

    def bind(self, values: torch.Tensor, gradients: torch.Tensor, places: Mapping[str, tuple[int, list[int]]]) -> None:
        """Makes the parameters views of one block of values, and their gradients of another.

        `places` has the offset and shape of each tensor; those of one parameter lie next to each other.
        """
        for name, parts in self.parts():
            start, shape = places[parts[0]]
            end, rows = start, 0
            for part in parts:
                offset, own = places[part]
                if offset != end:
                    raise ValueError(f"{part} does not follow {parts[0]}")
                size = 1
                for length in own:
                    size *= length
                end, rows = end + size, rows + own[0]
            whole = [rows, *shape[1:]]
            parameter = nn.Parameter(values[start:end].view(whole))
            parameter.grad = gradients[start:end].view(whole)
            module, _, leaf = name.rpartition(".")
            setattr(self.get_submodule(module), leaf, parameter)
        if self.tied:
            self.head.weight = self.embedding.weight

    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())
