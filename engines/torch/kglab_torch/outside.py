"""Any Hugging Face causal language model as kglab asks it: log-probabilities of completions, draws, states.

kglab's ids are those of its own vocabulary: six special tokens (`<pad> <unk> <S> <P> <O> <E>`), then the model's
tokens, then `<X>`. Towards a model with a tokenizer of its own, `<S>` becomes what the tokenizer puts before texts,
`<E>` stands for every token that ends an answer, and the other special tokens are left out. A model with kglab's
tokenizer gets all ids as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from .channel import Failure
from .reading import MOST_VALUES, Reader, batches

SPECIAL = 6
START, END = 2, 5
#: Lines of a graph are short: what is stated of longer contexts would only take memory.
MOST_CONTEXT = 4096
#: A model with fewer parameters than this is faster on one thread, by far where others work on the processor too.
FEW = 30_000_000
#: What stands before a text that continues another, so that a tokenizer does not take it for the beginning.
ANCHOR = "a"
#: The projections that mix the outputs of attention heads, in the families of transformers.
MIXERS = (
    "self_attn.o_proj",
    "attention.dense",
    "attn.c_proj",
    "self_attn.out_proj",
    "self_attention.dense",
    "attn.out_proj",
    "self_attn.dense",
)


@dataclass
class Plan:
    """How some completions of each prompt are drawn; an infinite inverse temperature is greedy."""

    samples: int
    inverse: float
    top_k: int | None = None
    top_p: float | None = None


@dataclass
class Draw:
    """One completion: the model's tokens so far, the numbers that decide each draw, and what came of it."""

    text: tuple[int, ...]
    plan: Plan
    numbers: list[float]
    said: list[int] = field(default_factory=list)
    score: float = 0.0
    over: bool = False
    ended: bool = False


class Ends:
    """Which tokens end an answer, and how an answer is read off the tokens before.

    A token ends an answer where its text, after spaces, begins with one of the ends, and so does the model's own end
    token. An answer is the text up to the first end, without white space around it.
    """

    def __init__(self, tokenizer: Any, texts: Sequence[str], own: Iterable[int], vocabulary: int) -> None:
        self.tokenizer, self.texts = tokenizer, list(texts)
        pieces = [self.text([token]).lstrip(" ") for token in range(min(vocabulary, len(tokenizer)))]
        self.tokens = sorted(
            {token for token in own if token < vocabulary}
            | {token for token, piece in enumerate(pieces) if any(map(piece.startswith, self.texts))}
        )
        #: Tokens in which an end comes after the beginning.
        self.inside = {token for token, piece in enumerate(pieces) if any(end in piece for end in self.texts)} - set(
            self.tokens
        )
        self.special = set(tokenizer.all_special_ids)

    def text(self, tokens: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(tokens), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def answer(self, tokens: Sequence[int]) -> str | None:
        """The answer that tokens spell; None where they are special ones or no text."""
        if self.special.intersection(tokens):
            return None
        text = self.text(tokens)
        places = [place for place in map(text.find, self.texts) if place >= 0]
        text = text[: min(places, default=len(text))].strip()
        return None if "\ufffd" in text else text


class Outside:
    """A model of a folder, with its tokenizer unless it has kglab's."""

    def __init__(
        self,
        folder: str,
        device: torch.device,
        precision: str = "fp32",
        ends: Sequence[str] | None = None,
    ) -> None:
        """`ends` are the texts that end an answer; None for a model with kglab's tokenizer, whose end is `<E>`."""
        import transformers
        from safetensors import SafetensorError

        notices: Any = transformers.utils.logging
        notices.disable_progress_bar()
        notices.set_verbosity_error()
        self.device, self.is_own = device, ends is None
        kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
        try:
            model: Any = transformers.AutoModelForCausalLM.from_pretrained(
                folder, local_files_only=True, dtype=kind, attn_implementation="eager"
            )
        except (ValueError, OSError, KeyError, SafetensorError) as error:
            raise Failure(
                "bad_input", f"transformers cannot read {folder} as a causal language model ({first_line(error)})"
            ) from error
        self.model = model.to(device).eval()
        if device.type == "cpu" and self.model.num_parameters() < FEW:
            torch.set_num_threads(1)
        self.config = self.model.config.get_text_config()
        self.width = self.model.get_output_embeddings().weight.shape[0]
        self.layers = self._layers()
        self.heads = int(getattr(self.config, "num_attention_heads", 1))
        self.reader = Reader(self.model, device, self.width)
        self.prefix: list[int] = []
        if not self.is_own:
            try:
                self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            except Exception as error:
                raise Failure(
                    "bad_input", f"transformers cannot read the tokenizer in {folder} ({first_line(error)})"
                ) from error
            whole = self.tokenizer(ANCHOR)["input_ids"]
            plain = self.tokenizer(ANCHOR, add_special_tokens=False)["input_ids"]
            place = next((i for i in range(len(whole)) if whole[i : i + len(plain)] == plain), 0)
            self.prefix = whole[:place]
            self.ends = Ends(self.tokenizer, ends or [], self._own_ends(), self.width)
            if not self.ends.tokens:
                raise Failure("bad_input", f"no token of the model in {folder} begins with an end of answers")
            first = self._encode([ends[0]], starts=False)[0] if ends else []
            self.end_token = first[0] if first and first[0] in self.ends.tokens else self.ends.tokens[0]
            self._end_index = torch.tensor(self.ends.tokens, device=device)

    # What it is

    def shape(self) -> dict[str, Any]:
        config = self.config
        context = min(
            getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None) or 2048,
            MOST_CONTEXT,
        )
        parameters = sum(values.numel() for values in self.model.parameters())
        tables = [module.weight for module in self.model.modules() if isinstance(module, torch.nn.Embedding)]
        tables.append(self.model.get_output_embeddings().weight)
        embedded = sum({values.data_ptr(): values.numel() for values in tables}.values())
        return {
            "architecture": type(self.model).__name__,
            "layers": len(self.layers),
            "width": config.hidden_size,
            "heads": self.heads,
            "feed_forward": getattr(config, "intermediate_size", None)
            or getattr(config, "n_inner", None)
            or 4 * config.hidden_size,
            "vocabulary": self.vocabulary,
            # An answer that fills the context is still followed by its end.
            "context": context - 1 - len(self.prefix),
            "parameters": parameters,
            "non_embedding_parameters": parameters - embedded,
            "ending_tokens": 1 if self.is_own else len(self.ends.tokens),
        }

    @property
    def vocabulary(self) -> int:
        """Ids that kglab counts."""
        return int(self.width if self.is_own else SPECIAL + self.width + 1)

    def _own_ends(self) -> set[int]:
        found: set[int] = set()
        for place in (
            self.tokenizer.eos_token_id,
            self.config.eos_token_id,
            getattr(self.model.generation_config, "eos_token_id", None),
        ):
            found.update(place if isinstance(place, (list, tuple)) else [] if place is None else [place])
        return found

    def _layers(self) -> list[torch.nn.Module]:
        lists = [
            module
            for module in self.model.modules()
            if isinstance(module, torch.nn.ModuleList) and len(module) == self.config.num_hidden_layers
        ]
        if not lists:
            raise Failure("bad_input", f"the layers of a {type(self.model).__name__} are not known")
        return list(lists[0])

    def _mixer(self, layer: int) -> torch.nn.Module:
        for name in MIXERS:
            try:
                return self.layers[layer].get_submodule(name)
            except AttributeError:
                continue
        raise Failure(
            "bad_input",
            f"where a {type(self.model).__name__} mixes its heads is not known; leave out detectors that read heads",
        )

    # Texts

    def _encode(self, texts: Sequence[str], starts: bool) -> list[list[int]]:
        def plain(texts: Sequence[str]) -> list[list[int]]:
            return self.tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []

        if starts:
            return plain(texts)
        head = plain([ANCHOR])[0]
        joined = plain([ANCHOR + text for text in texts])
        return [
            tokens[len(head) :] if tokens[: len(head)] == head else plain([text])[0]
            for text, tokens in zip(texts, joined, strict=True)
        ]

    def encode(self, texts: Sequence[str], starts: bool) -> list[list[int]]:
        """kglab's ids of texts that begin a text, or that continue one."""
        return [[token + SPECIAL for token in tokens] for tokens in self._encode(texts, starts)]

    def decode(self, texts: Sequence[Sequence[int]]) -> list[str | None]:
        """The answers that kglab's ids spell."""
        last = SPECIAL + self.width
        return [
            self.ends.answer([token - SPECIAL for token in tokens])
            if all(SPECIAL <= token < last for token in tokens)
            else None
            for tokens in texts
        ]

    def _places(self, tokens: Sequence[int]) -> tuple[list[int], list[int]]:
        """The model's tokens of kglab's, and for each of kglab's how many of the model's it ends after."""
        if self.is_own:
            return list(tokens), list(range(1, len(tokens) + 1))
        own: list[int] = []
        counts: list[int] = []
        for place, token in enumerate(tokens):
            if SPECIAL <= token < SPECIAL + self.width:
                own.append(token - SPECIAL)
            elif token == START and place == 0:
                own += self.prefix
            elif token == END:
                own.append(self.end_token)
            counts.append(len(own))
        return own, counts

    # Distributions

    def _scaled(self, logits: torch.Tensor, inverse: float, top_k: int | None, top_p: float | None) -> torch.Tensor:
        """Log-probabilities of the model's tokens at a temperature, cut to the likeliest."""
        scaled = logits.double() * inverse
        if top_k is not None and top_k < scaled.shape[-1]:
            order = torch.sort(scaled, dim=-1, descending=True, stable=True)[1][..., top_k:]
            scaled = scaled.scatter(-1, order, -torch.inf)
        if top_p is not None:
            values, order = torch.sort(scaled, dim=-1, descending=True, stable=True)
            weights = values.softmax(-1)
            before = weights.cumsum(-1) - weights
            scaled = scaled.scatter(-1, order, values.masked_fill(before >= top_p, -torch.inf))
        return scaled.log_softmax(-1)

    def _log_probabilities(
        self, logits: torch.Tensor, inverse: float = 1, top_k: int | None = None, top_p: float | None = None
    ) -> torch.Tensor:
        """The same of kglab's ids, shape (N, V): those of all tokens that end an answer are together `<E>`."""
        own = self._scaled(logits, inverse, top_k, top_p)
        if self.is_own:
            return own
        end = own.index_select(-1, self._end_index).logsumexp(-1, keepdim=True)
        own = own.index_fill(-1, self._end_index, -torch.inf)
        before = own.new_full((*own.shape[:-1], END), -torch.inf)
        return torch.cat([before, end, own, before[..., :1]], dim=-1)

    def _target(self, own: torch.Tensor, row: int, target: int) -> float:
        """The log-probability of one of kglab's ids in a row of the model's tokens."""
        if self.is_own:
            return own[row, target].item()
        if target == END:
            return own[row].index_select(0, self._end_index).logsumexp(0).item()
        if not SPECIAL <= target < SPECIAL + self.width:
            return -torch.inf
        return own[row, target - SPECIAL].item()

    # What kglab asks

    @torch.inference_mode()
    def score(
        self,
        items: Sequence[tuple[Sequence[int], Sequence[int]]],
        inverses: Sequence[float] = (1,),
        top_k: int | None = None,
        top_p: float | None = None,
    ) -> list[list[float]]:
        """Log-probability in nats of the completion of each (prompt, completion), for each inverse temperature.

        Each prompt is read once, then what follows it.
        """
        sums = [[0.0] * len(inverses) for _ in items]

        def add(logits: torch.Tensor, tokens: Sequence[tuple[int, int, int]]) -> None:
            """To the sum of an item the log-probability of a token in a row of logits."""
            for number, inverse in enumerate(inverses):
                own = self._scaled(logits, inverse, top_k, top_p)
                for item, row, token in tokens:
                    sums[item][number] += self._target(own, row, token)

        asked: dict[tuple[int, ...], list[int]] = {}
        for item, (prompt, _) in enumerate(items):
            asked.setdefault(tuple(prompt), []).append(item)
        prompts = list(asked)
        begins = [self._places(prompt)[0] for prompt in prompts]
        for batch in batches(list(map(len, begins)), self.reader.share):
            reading = self.reader.begin([begins[place] for place in batch])
            firsts: list[tuple[int, int, int]] = []
            tails: list[tuple[int, int, list[int], list[tuple[int, int]]]] = []
            for row, place in enumerate(batch):
                prompt, length = prompts[place], len(begins[place])
                for item in asked[prompt]:
                    completion = items[item][1]
                    own, counts = self._places([*prompt, *completion[:-1]])
                    # How many of the model's tokens stand before each token of the completion.
                    said = list(zip(counts[len(prompt) - 1 :], completion, strict=False))
                    firsts += [(item, row, token) for count, token in said if count == length]
                    if len(own) > length:
                        later = [(count - length - 1, token) for count, token in said if count > length]
                        tails.append((item, row, own[length:], later))
            add(reading.logits[:, -1].float(), firsts)
            longest = len(begins[batch[-1]])
            for part in batches([len(tail) for _, _, tail, _ in tails], partial(self._share_after, longest)):
                some = [tails[place] for place in part]
                logits = reading.then([row for _, row, _, _ in some], [tail for _, _, tail, _ in some]).logits.float()
                width = logits.shape[1]
                tokens = [
                    (item, place * width + step, token)
                    for place, (item, _, _, later) in enumerate(some)
                    for step, token in later
                ]
                add(logits.flatten(0, 1), tokens)
        return sums

    def _share_after(self, begin: int, length: int) -> int:
        """How many tails of a length are read side by side after a text."""
        return self.reader.share(begin + length, length)

    @torch.inference_mode()
    def next(self, texts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Log-probability of every one of kglab's ids after each text, shape (N, V)."""
        own = [self._places(text)[0] for text in texts]
        rows: dict[int, torch.Tensor] = {}
        for batch in batches(list(map(len, own)), self.reader.share):
            logits = self.reader.begin([own[index] for index in batch]).logits[:, -1].float()
            rows.update(zip(batch, self._log_probabilities(logits).float().cpu(), strict=True))
        return torch.stack([rows[index] for index in range(len(texts))])

    @torch.inference_mode()
    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        plans: Sequence[Plan],
        longest: int,
        uniforms: torch.Tensor,
    ) -> list[tuple[list[int], float, bool]]:
        """Completions by prompt, plan and sample: kglab's ids before the end, log-probability, whether the end came.

        `uniforms` has numbers in [0, 1) that decide each draw, shape (prompts, samples of all plans, steps): the token
        drawn is the first whose cumulative probability, in order of kglab's ids, exceeds its number. What begins alike
        is computed once.
        """
        slots = [plan for plan in plans for _ in range(plan.samples)]
        begins = [self._places(prompt)[0] for prompt in prompts]
        draws = [
            Draw(tuple(begins[place]), plan, numbers)
            for place, lines in enumerate(uniforms.reshape(len(prompts), len(slots), longest).double().tolist())
            for plan, numbers in zip(slots, lines, strict=True)
        ]
        most = self.reader.share(max(map(len, begins)) + longest)
        order = sorted(draws, key=lambda draw: len(draw.text))
        for start in range(0, len(order), most):
            self._draw(order[start : start + most], longest)
        return [(draw.said, draw.score, draw.ended) for draw in draws]

    def _draw(self, draws: Sequence[Draw], longest: int) -> None:
        """Draws completions side by side, a token of each at a time."""
        going = list(draws)
        texts = sorted({draw.text for draw in going})
        reading = self.reader.begin(texts)
        rows = {text: row for row, text in enumerate(texts)}
        for step in range(longest):
            logits = reading.logits[:, -1].float()
            plain = self._log_probabilities(logits)
            greedy = self._greedy(logits)
            cut: dict[tuple[float, int | None, float | None], torch.Tensor] = {}
            for draw in going:
                row, plan = rows[draw.text], draw.plan
                if plan.inverse == float("inf"):
                    token = int(greedy[row])
                else:
                    key = (plan.inverse, plan.top_k, plan.top_p)
                    if key not in cut:
                        cut[key] = self._log_probabilities(logits, *key).exp().cumsum(-1)
                    sums = cut[key][row]
                    token = int(torch.searchsorted(sums, draw.numbers[step] * sums[-1], right=True))
                    if token >= len(sums):
                        token = int((sums < sums[-1]).sum())
                draw.score += plain[row, token].item()
                if token < SPECIAL:
                    draw.over, draw.ended = True, token == END
                    continue
                draw.said.append(token)
                draw.text += (token if self.is_own else token - SPECIAL,)
                draw.over = draw.ended = not self.is_own and token - SPECIAL in self.ends.inside
            going = [draw for draw in going if not draw.over]
            if not going or step + 1 == longest:
                return
            before = {draw.text: rows[draw.text[:-1]] for draw in going}
            rows = {text: row for row, text in enumerate(sorted(before))}
            reading = reading.then([before[text] for text in rows], [[text[-1]] for text in rows])

    def _greedy(self, logits: torch.Tensor) -> torch.Tensor:
        """kglab's id of the likeliest of the model's tokens."""
        best = logits.argmax(-1)
        if self.is_own:
            return best
        return torch.where(torch.isin(best, self._end_index), END, best + SPECIAL)

    @torch.inference_mode()
    def capture(
        self,
        texts: Sequence[Sequence[int]],
        targets: Sequence[Sequence[int]],
        rows: Sequence[Sequence[int]],
        regions: Sequence[Sequence[int]],
        streams: Sequence[str],
    ) -> dict[str, torch.Tensor]:
        """What detectors read at some tokens of each text: streams by name, shape (R, width), and `columns`, (6, R).

        The columns are of the model's own distribution, in the order of kglab's `Capture`.
        """
        mapped = [self._places(text) for text in texts]
        found: dict[str, dict[int, torch.Tensor]] = {name: {} for name in [*streams, "columns"]}
        longest = max(len(tokens) for tokens, _ in mapped)
        values = max(self.width, len(self.layers) * self.heads * longest if "attention" in streams else 0)
        for batch in batches([len(tokens) for tokens, _ in mapped], lambda length: MOST_VALUES // (length * values)):
            tapes = self._tapes(streams)
            try:
                out = self.reader.run([mapped[index][0] for index in batch], output_attentions="attention" in streams)
            finally:
                tapes.close()
            for place, index in enumerate(batch):
                counts = mapped[index][1]
                wanted = [counts[row] - 1 for row in rows[index]]
                for name in streams:
                    if name == "attention":
                        kinds = self._regions(counts, regions[index])
                        found[name][index] = self._attention(out.attentions, place, wanted, kinds)
                    else:
                        found[name][index] = tapes.values[name][place, wanted].float()
                chosen = [targets[index][row] for row in rows[index]]
                found["columns"][index] = self._columns(out.logits[place, wanted].float(), chosen)
        result = {
            name: torch.cat([parts[index] for index in sorted(parts)], dim=1 if name == "columns" else 0)
            for name, parts in found.items()
        }
        return {name: values.float().cpu().contiguous() for name, values in result.items()}

    def _tapes(self, streams: Sequence[str]) -> Tapes:
        tapes = Tapes()
        for name in streams:
            kind, _, number = name.partition("-")
            layer = int(number) if number else 0
            if name == "final":
                tapes.before(self.model.get_output_embeddings(), name)
            elif kind == "heads":
                tapes.before(self._mixer(layer - 1), name)
            elif kind == "layer" and layer < len(self.layers):
                tapes.before(self.layers[layer], name)
            elif kind == "layer":
                tapes.after(self.layers[-1], name)
        return tapes

    def _regions(self, counts: Sequence[int], regions: Sequence[int]) -> torch.Tensor:
        """The region of each of the model's tokens."""
        kinds: list[int] = []
        for count, region in zip(counts, regions, strict=True):
            kinds += [region] * (count - len(kinds))
        return torch.tensor(kinds, device=self.device)

    def _attention(
        self, layers: Sequence[torch.Tensor], text: int, rows: Sequence[int], kinds: torch.Tensor
    ) -> torch.Tensor:
        """Shares of each head of each layer, as `AttentionShare` has them: shape (R, layers x heads x 6)."""
        weights = torch.stack([layer[text].float() for layer in layers])[:, :, :, : len(kinds)]
        lines = []
        for row in rows:
            seen = weights[:, :, row, : row + 1]
            own = kinds[: row + 1]
            shares = [(seen * (own == region)).sum(-1) for region in range(4)]
            previous = seen[..., -2] if row > 0 else torch.zeros_like(shares[0])
            count = int((own == 3).sum())
            context = (1 - shares[3]) / (row + 1 - count)
            generated = shares[3] / max(count, 1)
            lookback = (
                context / (context + generated).clamp_min(torch.finfo(torch.float32).tiny)
                if count
                else torch.ones_like(previous)
            )
            lines.append(torch.stack([*shares, previous, lookback], dim=-1).flatten())
        return torch.stack(lines)

    def _columns(self, logits: torch.Tensor, targets: Sequence[int]) -> torch.Tensor:
        logs = logits.double().log_softmax(-1)
        size = torch.log(torch.tensor(float(logs.shape[-1]), dtype=torch.float64))
        chosen = [0.0 if target < 0 else self._target(logs, row, target) for row, target in enumerate(targets)]
        probabilities = logs.exp()
        top = probabilities.topk(2, dim=-1).values
        halved = (logits.double() / 2).log_softmax(-1)
        return torch.stack(
            [
                torch.tensor(chosen, dtype=torch.float64, device=logs.device),
                -(probabilities * logs).sum(-1),
                top[:, 0],
                top[:, 0] - top[:, 1],
                ((halved / 2).logsumexp(-1) - size / 2).clamp_max(0),
                -logs.mean(-1) - size,
            ]
        )


class Tapes:
    """What goes into or comes out of modules during one pass."""

    def __init__(self) -> None:
        self.values: dict[str, torch.Tensor] = {}
        self._hooks: list[Any] = []

    def before(self, module: torch.nn.Module, name: str) -> None:
        def keep(_: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
            self.values[name] = arguments[0] if arguments else named["hidden_states"]

        self._hooks.append(module.register_forward_pre_hook(keep, with_kwargs=True))

    def after(self, module: torch.nn.Module, name: str) -> None:
        def keep(_: Any, __: Any, output: Any) -> None:
            self.values[name] = output[0] if isinstance(output, tuple) else output

        self._hooks.append(module.register_forward_hook(keep))

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()


def first_line(error: BaseException) -> str:
    """What an exception says, as a clause."""
    line = re.sub(r"\s+", " ", str(error).strip().split("\n")[0]).rstrip(".")
    return line[:200] or type(error).__name__
