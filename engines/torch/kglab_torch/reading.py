"""Texts that a model has read, and what it says of those that go on from them.

A model that keeps keys and values reads only what is new; any other reads each text again from its beginning.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

#: Values of logits, and of attention weights, that are held at once.
MOST_VALUES = 1 << 25
#: Keys and values that are held at once.
MOST_KEPT = 1 << 28
#: What models call what they keep; the second in versions of transformers before 5.2x.
CACHES = ("cache", "past_key_values")
#: How far logits may be from those of whole texts, in units of the largest; bf16 has 8 bits.
NEAR = {torch.float32: 1e-4, torch.bfloat16: 1 / 32}


class Reader:
    """A causal language model of transformers, read with keys and values where it keeps some that can be trusted."""

    def __init__(self, model: Any, device: torch.device, width: int) -> None:
        self.model, self.device, self.width = model, device, width
        self.config = model.config.get_text_config()
        names = inspect.signature(model.forward).parameters
        self.takes_places = "position_ids" in names
        #: Whether keys and values are kept.
        self.keeps = False
        self.cache = next((name for name in CACHES if name in names), "")
        self.keeps = self.cache != "" and "logits_to_keep" in names and self._agrees()

    def begin(self, texts: Sequence[Sequence[int]]) -> Reading:
        """Reads texts side by side, none of which is empty."""
        return Kept.begin(self, texts) if self.keeps else Reread.begin(self, texts)

    def share(self, length: int, logits: int = 1) -> int:
        """How many texts of a length may be read side by side, with logits after some tokens of each."""
        kept = 2 * int(self.config.num_hidden_layers) * int(self.config.hidden_size) * length
        weights = int(getattr(self.config, "num_attention_heads", 1)) * length * length
        logits = logits if self.keeps else length
        return max(1, min(MOST_VALUES // max(self.width * logits, weights), MOST_KEPT // kept))

    @torch.inference_mode()
    def run(self, texts: Sequence[Sequence[int]], **options: Any) -> Any:
        """One pass of texts side by side, each from its own beginning, which nothing is kept of."""
        tokens, mask = padded(texts, self.device)
        return self.model(input_ids=tokens, attention_mask=mask, use_cache=False, **options)

    def _agrees(self) -> bool:
        """Whether what is kept leads to what whole texts lead to, tried on two of different lengths.

        Some models keep a state that padding changes, or count positions in their own way.
        """
        tokens = [1 + place % max(1, self.width - 1) for place in range(10)]
        texts, tails = [tokens[:4], tokens[4:5]], [tokens[8:9], tokens[5:8], tokens[9:]]

        def logits(kind: type[Reading]) -> torch.Tensor:
            reading = kind.begin(self, texts).then([1, 0, 0], [tokens[5:6], tokens[6:7], tokens[7:8]])
            last = reading.then([2, 0, 1], tails).logits
            return torch.cat([reading.logits.flatten(0, 1), last[:, 0], last[1]]).float()

        whole = logits(Reread)
        try:
            kept = logits(Kept)
        except Exception:  # whatever a model of any kind makes of keys and values that it does not know
            return False
        return bool((kept - whole).abs().max() <= NEAR.get(self.model.dtype, 0) * whole.abs().max())


class Reading:
    """Texts that were read: `logits` after each of the tokens that were read last, shape (N, C, V)."""

    logits: torch.Tensor

    @classmethod
    def begin(cls, reader: Reader, texts: Sequence[Sequence[int]]) -> Reading:
        """Reads texts; logits are those after the last token of each, shape (N, 1, V)."""
        raise NotImplementedError

    def then(self, rows: Sequence[int], tails: Sequence[Sequence[int]]) -> Reading:
        """Reads tails, none of them empty, each after the text of a row.

        Where tails have different lengths, logits are padded after the shorter, and nothing more may be read.
        """
        raise NotImplementedError


class Kept(Reading):
    """By the keys and values of what was read before."""

    def __init__(self, reader: Reader, mask: torch.Tensor, cache: Any, logits: torch.Tensor) -> None:
        self.reader, self.mask, self.cache, self.logits = reader, mask, cache, logits

    @classmethod
    @torch.inference_mode()
    def begin(cls, reader: Reader, texts: Sequence[Sequence[int]]) -> Kept:
        # Padding stands before, so that all end at one place.
        tokens, mask = padded(texts, reader.device, before=True)
        return cls._read(reader, tokens, mask, None, 1)

    @torch.inference_mode()
    def then(self, rows: Sequence[int], tails: Sequence[Sequence[int]]) -> Kept:
        tokens, new = padded(tails, self.reader.device)
        index = torch.tensor(rows, device=self.reader.device)
        cache = copy.deepcopy(self.cache)
        cache.batch_select_indices(index)
        return self._read(self.reader, tokens, torch.cat([self.mask[index], new], 1), cache, tokens.shape[1])

    @classmethod
    def _read(cls, reader: Reader, tokens: torch.Tensor, mask: torch.Tensor, cache: Any, count: int) -> Kept:
        places = (mask.cumsum(-1) - 1).clamp_min(0)[:, -tokens.shape[1] :]
        out = reader.model(
            input_ids=tokens,
            attention_mask=mask,
            use_cache=True,
            logits_to_keep=count,
            **{reader.cache: cache},
            **({"position_ids": places} if reader.takes_places else {}),
        )
        return cls(reader, mask, out[reader.cache], out.logits)


class Reread(Reading):
    """By reading each text again."""

    def __init__(self, reader: Reader, texts: list[list[int]], logits: torch.Tensor) -> None:
        self.reader, self.texts, self.logits = reader, texts, logits

    @classmethod
    def begin(cls, reader: Reader, texts: Sequence[Sequence[int]]) -> Reread:
        return cls._read(reader, [list(text) for text in texts], [1] * len(texts))

    def then(self, rows: Sequence[int], tails: Sequence[Sequence[int]]) -> Reread:
        texts = [[*self.texts[row], *tail] for row, tail in zip(rows, tails, strict=True)]
        return self._read(self.reader, texts, [len(tail) for tail in tails])

    @classmethod
    def _read(cls, reader: Reader, texts: list[list[int]], counts: list[int]) -> Reread:
        rows: list[torch.Tensor] = [torch.empty(0)] * len(texts)
        for batch in batches([len(text) for text in texts], lambda length: reader.share(length, length)):
            logits = reader.run([texts[index] for index in batch]).logits
            for place, index in enumerate(batch):
                end = len(texts[index])
                rows[index] = logits[place, end - counts[index] : end].clone()
        return cls(reader, texts, torch.nn.utils.rnn.pad_sequence(rows, batch_first=True))


def batches(lengths: Sequence[int], share: Callable[[int], int]) -> Iterator[list[int]]:
    """Indices of texts, the shortest first, that are read side by side; `share` says how many of a length may be."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        if batch and len(batch) + 1 > share(lengths[index]):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def padded(
    texts: Sequence[Sequence[int]], device: torch.device, before: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Texts as one rectangle, shape (N, longest), and a mask with 1 where tokens are real."""
    longest = max(map(len, texts))

    def line(values: Sequence[int]) -> list[int]:
        padding = [0] * (longest - len(values))
        return [*padding, *values] if before else [*values, *padding]

    tokens = torch.tensor([line(text) for text in texts], device=device)
    return tokens, torch.tensor([line([1] * len(text)) for text in texts], device=device)
