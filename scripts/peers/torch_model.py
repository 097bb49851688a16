"""What benchmarks do with the model of engines/torch: training on random windows, and drawing tokens."""
import pathlib, sys
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "engines/torch"))
from kglab_torch.model import LanguageModel  # noqa: E402


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
