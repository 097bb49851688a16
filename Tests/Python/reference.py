"""Training by PyTorch and transformers alone: what kglab's steps are held to.

Shares nothing with kglab but the initial weights, the batches and the hyperparameters.
"""
import math
import torch
from transformers import AutoModelForCausalLM


def padded(sequences):
    """Sequences of one batch as rectangles: ids, mask and targets (-100 where no loss is taken)."""
    width = max(len(s["tokens"]) for s in sequences)
    fill = lambda values, value: values + [value] * (width - len(values))
    ids = torch.tensor([fill(s["tokens"], 0) for s in sequences])
    mask = torch.tensor([fill([1] * len(s["tokens"]), 0) for s in sequences])
    targets = torch.tensor([fill([t if t >= 0 else -100 for t in s["targets"]], -100) for s in sequences])
    return ids, mask, targets


def learning_rate(step, step_count, peak, final_share, warm_up_share):
    """Linear warm-up, then a cosine to `final_share` of the peak; `step` counts from 0."""
    warm_up = math.floor(warm_up_share * step_count + 0.5)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    progress = (step - warm_up) / max(1, step_count - warm_up)
    return peak * (final_share + (1 - final_share) * 0.5 * (1 + math.cos(math.pi * progress)))


def train(initial_folder, batches, training, step_count):
    """Mean loss in nats and gradient norm of each step, and the trained model.

    `training` is the object of that name in run.json. AdamW decays matrices only.
    """
    model = AutoModelForCausalLM.from_pretrained(initial_folder).train()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": training["weight_decay"]},
         {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0}],
        betas=(training["beta1"], training["beta2"]), eps=training["epsilon"])
    losses, norms = [], []
    for step, batch in enumerate(batches):
        ids, mask, targets = padded(batch["sequences"])
        logits = model(input_ids=ids, attention_mask=mask).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        square = torch.logsumexp(logits, -1).square()[targets != -100].mean()
        optimizer.zero_grad()
        (loss + training["z_loss"] * square).backward()
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(p.grad) for p in parameters])).item()
        if 0 < training["clip_norm"] < norm:
            for p in parameters:
                p.grad.mul_(training["clip_norm"] / norm)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, step_count, training["learning_rate"],
                                        training["final_learning_rate_share"], training["warm_up_share"])
        optimizer.step()
        losses.append(loss.item())
        norms.append(norm)
    return losses, norms, model
