"""Keys and values that are kept change nothing of what a model says, beside whole texts in transformers."""

import functools
import itertools
import tempfile
import unittest
from typing import Any

import torch
import transformers

from kglab_torch.outside import END, Outside, Plan
from kglab_torch.reading import CACHES, Kept, Reread

#: Largest difference of log-probabilities of a whole completion, in nats.
TOLERANCE = 1e-5
WIDTH = 48
#: What all families are given; weights are large enough that answers differ.
USUAL = {"vocab_size": WIDTH, "bos_token_id": 2, "eos_token_id": 5, "pad_token_id": 0, "initializer_range": 0.3}


def model(family: str, **settings: Any) -> Any:
    torch.manual_seed(0)
    classes = {
        name: getattr(transformers, f"{family}{name}", None) for name in ("Config", "ForCausalLM", "LMHeadModel")
    }
    made = classes["ForCausalLM"] or classes["LMHeadModel"]
    return made(classes["Config"](**USUAL, **settings)).eval()


ROTARY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
KEEPING = {
    "GPT2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64},
    "GPTNeoX": {**ROTARY, "max_position_embeddings": 64},
    "Llama": {**ROTARY, "num_key_value_heads": 2, "max_position_embeddings": 64},
    "Qwen3": {**ROTARY, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 64},
    # Windows are shorter than the texts.
    "Mistral": {**ROTARY, "num_key_value_heads": 2, "max_position_embeddings": 64, "sliding_window": 4},
    "OPT": {
        "hidden_size": 32,
        "word_embed_proj_dim": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "ffn_dim": 64,
        "max_position_embeddings": 64,
    },
    "Bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 2},
}
REREADING = {"Mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4}}


def asked(made: Any) -> Outside:
    """The model with kglab's own ids."""
    with tempfile.TemporaryDirectory() as folder:
        made.save_pretrained(folder)
        return Outside(folder, torch.device("cpu"))


def questions() -> tuple[list[list[int]], list[tuple[list[int], list[int]]]]:
    """Prompts of different lengths, and completions of each: of one token, and some that begin alike."""
    random = torch.Generator().manual_seed(1)

    def tokens(count: int) -> list[int]:
        return torch.randint(6, WIDTH, (count,), generator=random).tolist()

    prompts = [tokens(length) for length in (3, 9, 1, 5, 5, 12)]
    items = [(prompt, [*tokens(count), END]) for prompt in prompts for count in (0, 1, 2, 5)]
    return prompts, [*items, *((prompts[0], [7, 8, token]) for token in (9, 10)), *items[:3]]


class ReadingTests(unittest.TestCase):
    def test_families_keep_what_they_can(self) -> None:
        for families, keeps in ((KEEPING, True), (REREADING, False)):
            for family, settings in families.items():
                with self.subTest(family):
                    self.assertEqual(asked(model(family, **settings)).reader.keeps, keeps)

    def test_scores_are_those_of_whole_texts(self) -> None:
        _, items = questions()
        for family, settings in {**KEEPING, **REREADING}.items():
            with self.subTest(family):
                made = model(family, **settings)
                outside = asked(made)
                found = outside.score(items, [1, 2], None, 0.9)
                plain = outside.score(items)
                for (prompt, completion), (score,) in zip(items, plain, strict=True):
                    with torch.no_grad():
                        logits = made(torch.tensor([prompt + completion])).logits[0].double().log_softmax(-1)
                    expected = sum(
                        logits[len(prompt) + step - 1, token].item() for step, token in enumerate(completion)
                    )
                    self.assertAlmostEqual(score, expected, delta=TOLERANCE)
                outside.reader.keeps = False
                again = outside.score(items, [1, 2], None, 0.9)
                for one, other in zip(itertools.chain(*found), itertools.chain(*again), strict=True):
                    self.assertTrue(one == other or abs(one - other) < TOLERANCE, (one, other))

    def test_samples_are_the_same(self) -> None:
        prompts, _ = questions()
        plans = [Plan(6, 1.0), Plan(1, float("inf")), Plan(4, 0.7, top_k=10), Plan(4, 1.5, top_p=0.8)]
        uniforms = torch.rand(len(prompts), 15, 8, generator=torch.Generator().manual_seed(2))
        ends: set[bool] = set()
        for family, settings in KEEPING.items():
            with self.subTest(family):
                outside = asked(model(family, **settings))
                kept = outside.generate(prompts, plans, 8, uniforms)
                outside.reader.share = lambda length, logits=1: 7  # type: ignore[method-assign]
                self.assert_same(outside.generate(prompts, plans, 8, uniforms), kept)
                outside.reader.keeps = False
                self.assert_same(outside.generate(prompts, plans, 8, uniforms), kept)
                self.assertGreater(len({tuple(said) for said, _, _ in kept}), 30)
                ends |= {ended for _, _, ended in kept}
                # What was drawn has the probability that scoring gives it.
                items = [
                    (prompts[place // 15], [*said, *([END] if ended else [])])
                    for place, (said, _, ended) in enumerate(kept)
                ]
                scores = outside.score(items)
                for (said, score, ended), (expected,) in zip(kept, scores, strict=True):
                    if ended or len(said) == 8:
                        self.assertAlmostEqual(score, expected, delta=TOLERANCE)

        self.assertEqual(ends, {True, False})

    def assert_same(self, one: list[Any], other: list[Any]) -> None:
        self.assertEqual([(said, ended) for said, _, ended in one], [(said, ended) for said, _, ended in other])
        for (_, a, _), (_, b, _) in zip(one, other, strict=True):
            self.assertAlmostEqual(a, b, delta=TOLERANCE)

    def test_what_is_read_on_and_on_is_as_read_at_once(self) -> None:
        for family, settings in KEEPING.items():
            with self.subTest(family):
                reader = asked(model(family, **settings)).reader
                texts = [[7, 8, 9, 10, 11, 12, 13], [14]]
                one, two = (kind.begin(reader, texts).then([1, 0, 1], [[20], [23], [24]]) for kind in (Kept, Reread))
                torch.testing.assert_close(one.logits, two.logits, atol=1e-5, rtol=1e-5)
                tails = [[30], [31, 32, 33], [34, 35]]
                one, two = (reading.then([2, 1, 1], tails) for reading in (one, two))
                for row, tail in enumerate(tails):
                    a, b = (reading.logits[row, : len(tail)] for reading in (one, two))
                    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)

    def test_a_model_whose_kept_state_misleads_is_read_again(self) -> None:
        kinds = (transformers.GPT2LMHeadModel.forward, forgetful)
        for forward, keeps in zip(kinds, (True, False), strict=True):
            outside = asked(model("GPT2", **KEEPING["GPT2"]))
            outside.model.__class__ = type("Changed", (transformers.GPT2LMHeadModel,), {"forward": forward})
            self.assertEqual(type(outside.reader)(outside.model, torch.device("cpu"), WIDTH).keeps, keeps)


@functools.wraps(transformers.GPT2LMHeadModel.forward)
def forgetful(self: Any, *, position_ids: Any = None, **rest: Any) -> Any:
    """Takes every position as 0 once something is kept."""
    kept = any(rest.get(name) is not None for name in CACHES)
    places = position_ids * 0 if kept else position_ids
    return transformers.GPT2LMHeadModel.forward(self, position_ids=places, **rest)


if __name__ == "__main__":
    unittest.main()
