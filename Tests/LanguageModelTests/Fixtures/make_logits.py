"""Makes logits.json: logits and loss of tiny Llama and Qwen3 models computed by Hugging Face transformers.

pip install torch transformers; python make_logits.py > logits.json
Weights follow a formula of tensor name and index, so that both sides can make them without sharing files.
"""
import json, math, sys
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

TOKENS = [[2, 7, 8, 3, 9, 4, 10, 11], [2, 12, 3, 6, 4], [5]]


def fill(model):
    for name, tensor in model.named_parameters():  # a tied read-out is listed once, as the embedding
        index = torch.arange(tensor.numel(), dtype=torch.float64)
        values = 0.3 * torch.sin(0.7 * index + len(name))
        if "norm" in name:
            values = values + 1
        tensor.copy_(values.reshape(tensor.shape).float())


def case(qk_norm, tied):
    kind = (Qwen3Config, Qwen3ForCausalLM) if qk_norm else (LlamaConfig, LlamaForCausalLM)
    config = kind[0](
        vocab_size=13, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, head_dim=6, max_position_embeddings=16, rms_norm_eps=1e-6,
        tie_word_embeddings=tied, attention_bias=False, hidden_act="silu",
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
    model = kind[1](config).double().eval()
    with torch.no_grad():
        fill(model)
        if tied:
            model.tie_weights()
        logits, loss = [], 0.0
        for tokens in TOKENS:
            out = model(torch.tensor([tokens])).logits[0]
            logits.append([round(v, 7) for v in out.flatten().tolist()])
            loss += torch.nn.functional.cross_entropy(out[:-1], torch.tensor(tokens[1:], dtype=torch.long), reduction="sum").item()
    return {"query_key_norm": qk_norm, "tied_embeddings": tied, "tokens": TOKENS, "logits": logits, "loss": loss}


import transformers
json.dump({"made_with": f"transformers {transformers.__version__}",
           "cases": [case(q, t) for q in (True, False) for t in (True, False)]}, sys.stdout, indent=1)
