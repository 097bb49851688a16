"""kglab's model in PyTorch: pre-norm decoder, RMSNorm, rotary positions, SwiGLU.

As benchmarks take it, embeddings are tied and heads have no norm; a trained run has both.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, 1e-6)


def rotate(x, cosines, sines):
    first, second = x.chunk(2, -1)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), -1)


class Block(nn.Module):
    def __init__(self, shape, head_norm=False):
        super().__init__()
        width, hidden = shape.width, shape.hidden
        self.heads, self.head_width = shape.heads, shape.head_width
        self.attention_norm, self.feed_forward_norm = RMSNorm(width), RMSNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        self.query_norm, self.key_norm = (
            RMSNorm(shape.head_width) if head_norm else nn.Identity() for _ in range(2))

    def forward(self, x, cosines, sines, cache=None, position=0, mask=None):
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
                q, keys[:, :, :end], values[:, :, :end], attn_mask=mask, is_causal=mask is None and length > 1)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
        gate, up = self.gate_up(self.feed_forward_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class LanguageModel(nn.Module):
    def __init__(self, shape, vocabulary, context, trained=False):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, shape.width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(shape, trained) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width)
        self.head = nn.Linear(shape.width, vocabulary, bias=False)
        if not trained:
            self.head.weight = self.embedding.weight
        half = shape.head_width // 2
        angles = torch.arange(context)[:, None] * 10_000 ** (-torch.arange(half) / half)
        self.register_buffer("cosines", angles.cos())
        self.register_buffer("sines", angles.sin())

    def states(self, tokens, caches=None, position=0, places=None, mask=None):
        """The last block's output; `places` are the tokens' places where they are not one after the other."""
        x = self.embedding(tokens)
        if places is None:
            places = slice(position, position + tokens.shape[1])
        cosines, sines = self.cosines[places], self.sines[places]
        if cosines.dim() == 3:  # places of each text on its own, the same for all heads
            cosines, sines = cosines[:, None], sines[:, None]
        for index, block in enumerate(self.blocks):
            x = block(x, cosines, sines, caches[index] if caches else None, position, mask)
        return x

    def forward(self, tokens, caches=None, position=0):
        x = self.states(tokens, caches, position)
        if caches:
            x = x[:, -1:]  # generation reads the logits of the last position only
        return self.head(self.norm(x))

    def take(self, tensors):
        """Weights by their names in a model folder of kglab, as arrays."""
        def of(*names):
            return torch.cat([torch.tensor(tensors[f"model.{name}.weight"]) for name in names])

        with torch.no_grad():
            self.embedding.weight.copy_(of("embed_tokens"))
            self.norm.weight.copy_(of("norm"))
            if self.head.weight is not self.embedding.weight:
                self.head.weight.copy_(torch.tensor(tensors["lm_head.weight"]))
            for index, block in enumerate(self.blocks):
                layer = f"layers.{index}"
                block.attention_norm.weight.copy_(of(f"{layer}.input_layernorm"))
                block.feed_forward_norm.weight.copy_(of(f"{layer}.post_attention_layernorm"))
                block.qkv.weight.copy_(of(*(f"{layer}.self_attn.{part}_proj" for part in "qkv")))
                block.out.weight.copy_(of(f"{layer}.self_attn.o_proj"))
                block.gate_up.weight.copy_(of(f"{layer}.mlp.gate_proj", f"{layer}.mlp.up_proj"))
                block.down.weight.copy_(of(f"{layer}.mlp.down_proj"))
                if isinstance(block.query_norm, RMSNorm):
                    block.query_norm.weight.copy_(of(f"{layer}.self_attn.q_norm"))
                    block.key_norm.weight.copy_(of(f"{layer}.self_attn.k_norm"))

    def parameter_count(self):
        return sum(parameter.numel() for parameter in self.parameters())


def draw_rows(model, states, uniforms):
    """A token for each uniform number of each state, with its log-probability: (states, numbers).

    By the cumulative sum, which takes a tenth of the time of torch.multinomial.
    """
    logits = model.head(model.norm(states)).float()
    top = logits.amax(-1, keepdim=True)
    cumulative = (logits - top).exp().cumsum(-1)
    total = cumulative[:, -1:]
    tokens = torch.searchsorted(cumulative, uniforms * total).clamp_(max=logits.shape[1] - 1)
    return tokens, logits.gather(1, tokens) - top - total.log()


class Training:
    """The model with its optimiser: forward, backward and AdamW on random windows."""

    def __init__(self, shape, vocabulary, context, sequences, mode, dtype):
        self.vocabulary, self.context, self.sequences = vocabulary, context, sequences
        self.model = LanguageModel(shape, vocabulary, context)
        self.forward = torch.compile(self.model) if mode == "compile" else self.model
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
        self.autocasts = dtype == "bf16"

    def batch(self):
        tokens = torch.randint(self.vocabulary, (self.sequences, self.context + 1))
        return tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()

    def step(self, inputs, targets):
        """One training step; returns the loss."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocasts):
            logits = self.forward(inputs).reshape(-1, self.vocabulary).float()
            loss = F.cross_entropy(logits, targets.reshape(-1))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()
