"""Makes logits.json: what Hugging Face transformers computes with tiny Llama and Qwen3 models, in double precision.

pip install torch transformers; python make_logits.py > logits.json
Every architecture that kglab exports, with one, two and three heads: logits and summed loss of several sequences,
which transformers gets padded on the right; greedy continuations of three prompts, one token at a time; the logit lens
of a prompt by layer; and log-probabilities of whole completions at two temperatures.
Weights follow a formula of tensor name and index, so that both sides can make them without sharing files.
"""
import json, sys
import torch, transformers
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

TOKENS = [[2, 7, 8, 3, 9, 4, 10, 11], [2, 12, 3, 6, 4], [5], [2, 6, 3, 7, 4, 8, 9, 10, 11, 12, 6, 7, 8, 9, 10, 12]]
PROMPTS = [[2, 7, 3, 9, 4], [2, 12, 3, 6, 6, 4], [2, 4]]
NEW_TOKENS = 9
COMPLETIONS = [[5, 6, 7], [8], [9, 10, 1, 12], [9, 10]]
TEMPERATURES = [1.0, 0.5]
VOCABULARY = 13


def fill(model):
    for name, tensor in model.named_parameters():  # a tied read-out is listed once, as the embedding
        index = torch.arange(tensor.numel(), dtype=torch.float64)
        values = 0.3 * torch.sin(0.7 * index + 0.013 * index * index + len(name))
        if "norm" in name:
            values = values + 1
        tensor.copy_(values.reshape(tensor.shape).float())


def padded_logits(model):
    """The logits of each sequence, from one batch padded on the right; equal to those of the sequence alone."""
    width = max(map(len, TOKENS))
    ids = torch.tensor([t + [0] * (width - len(t)) for t in TOKENS])
    mask = torch.tensor([[1] * len(t) + [0] * (width - len(t)) for t in TOKENS])
    out = model(ids, attention_mask=mask).logits
    rows = [out[i, :len(t)] for i, t in enumerate(TOKENS)]
    for tokens, row in zip(TOKENS, rows):
        assert torch.allclose(row, model(torch.tensor([tokens])).logits[0], atol=1e-9)
    return rows


def greedy(model, prompt):
    """The nine likeliest tokens, one after the other, and their summed log-probability."""
    tokens, total = list(prompt), 0.0
    for _ in range(NEW_TOKENS):
        log_probabilities = model(torch.tensor([tokens])).logits[0, -1].log_softmax(-1)
        token = int(log_probabilities.argmax())
        best = log_probabilities.topk(2).values
        assert best[0] - best[1] > 1e-4, "a tie that rounding could break"
        total += log_probabilities[token].item()
        tokens.append(token)
    return {"prompt": prompt, "tokens": tokens[len(prompt):], "log_probability": total}


def lens(model, prompt):
    """The final norm and the read-out on the residual stream of the last token, after the embedding and each layer."""
    streams = model(torch.tensor([prompt]), output_hidden_states=True).hidden_states
    # transformers gives the last one already normed
    normed = [model.model.norm(s[0, -1]) for s in streams[:-1]] + [streams[-1][0, -1]]
    return [[round(v, 6) for v in model.lm_head(n).tolist()] for n in normed]


def completion(model, prompt, tokens, temperature):
    """Summed log-probability of the tokens after the prompt under softmax(logits / temperature)."""
    logits = model(torch.tensor([prompt + tokens])).logits[0, len(prompt) - 1:-1] / temperature
    return logits.log_softmax(-1).gather(1, torch.tensor(tokens)[:, None]).sum().item()


def case(qk_norm, tied, heads):
    kind = (Qwen3Config, Qwen3ForCausalLM) if qk_norm else (LlamaConfig, LlamaForCausalLM)
    config = kind[0](
        vocab_size=VOCABULARY, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=heads,
        num_key_value_heads=heads, head_dim=12 // heads, max_position_embeddings=16, rms_norm_eps=1e-6,
        tie_word_embeddings=tied, attention_bias=False, hidden_act="silu",
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
    model = kind[1](config).double().eval()
    with torch.no_grad():
        fill(model)
        if tied:
            model.tie_weights()
        logits, loss = [], 0.0
        for tokens, out in zip(TOKENS, padded_logits(model)):
            logits.append([round(v, 6) for v in out.flatten().tolist()])
            targets = torch.tensor(tokens[1:], dtype=torch.long)
            loss += torch.nn.functional.cross_entropy(out[:-1], targets, reduction="sum").item()
        return {"query_key_norm": qk_norm, "tied_embeddings": tied, "heads": heads, "tokens": TOKENS,
                "logits": logits, "loss": loss, "greedy": [greedy(model, prompt) for prompt in PROMPTS],
                "lens": lens(model, PROMPTS[0]), "completions": COMPLETIONS,
                "completion_log_probabilities": [
                    [completion(model, PROMPTS[0], c, t) for t in TEMPERATURES] for c in COMPLETIONS]}


cases = [case(q, t, h) for q in (True, False) for t in (True, False) for h in (1, 2, 3)]
lines = ",\n".join(json.dumps(c) for c in cases)
sys.stdout.write(f'{{"made_with": "transformers {transformers.__version__}", "cases": [\n{lines}\n]}}\n')
