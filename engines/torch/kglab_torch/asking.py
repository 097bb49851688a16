"""The service `outside`: loads a model of a folder and answers what kglab asks of it, until kglab leaves it.

Lists of different lengths travel as one list of all values with the place where each begins, `NAME` and `NAME_starts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from safetensors.torch import load, save

from .channel import Failure, Frame
from .outside import Outside, Plan
from .team import Team


def outside(team: Team, frame: Frame) -> None:
    """Loads the model and says what it is, then answers frame by frame."""
    fields = frame.fields
    model = Outside(
        fields["folder"], team.device(fields.get("device")), fields.get("precision", "fp32"), fields.get("ends")
    )
    import transformers

    team.send(Frame("shape", {**model.shape(), "transformers": transformers.__version__}))
    while True:
        frame = team.receive()
        if frame.kind == "leave":
            return
        team.send(answer(model, frame))


def answer(model: Outside, frame: Frame) -> Frame:
    """What a model says to one frame."""
    fields = frame.fields
    tensors = load(frame.body) if frame.body else {}

    def lists(name: str) -> list[list[int]]:
        values, starts = tensors[name].tolist(), tensors[f"{name}_starts"].tolist()
        return [values[start:end] for start, end in pairwise(starts)]

    match frame.kind:
        case "encode":
            return Frame("tokens", body=save(joined("tokens", model.encode(fields["texts"], fields["starts"]))))
        case "decode":
            return Frame("texts", {"texts": model.decode(lists("tokens"))})
        case "score":
            items = list(zip(lists("prompts"), lists("completions"), strict=True))
            scores = model.score(items, fields["inverses"], fields.get("top_k"), fields.get("top_p"))
            return Frame("scores", body=save({"scores": torch.tensor(scores, dtype=torch.float32)}))
        case "next":
            return Frame("scores", body=save({"scores": model.next(lists("prompts")).cpu().contiguous()}))
        case "generate":
            plans = [
                Plan(plan["samples"], float(plan["inverse"]), plan.get("top_k"), plan.get("top_p"))
                for plan in fields["plans"]
            ]
            drawn = model.generate(lists("prompts"), plans, fields["longest"], tensors["uniforms"])
            return Frame(
                "drawn",
                body=save(
                    {
                        **joined("tokens", [tokens for tokens, _, _ in drawn]),
                        "scores": torch.tensor([score for _, score, _ in drawn], dtype=torch.float32),
                        "ended": torch.tensor([ended for _, _, ended in drawn], dtype=torch.uint8),
                    }
                ),
            )
        case "capture":
            streams = model.capture(
                lists("tokens"), lists("targets"), lists("rows"), lists("regions"), fields["streams"]
            )
            return Frame("captured", body=save(streams))
        case kind:
            raise Failure("unknown", f"it does not know what '{kind}' of a model is")


def joined(name: str, lists: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
    """Lists as one, with the place where each begins."""
    starts = [0]
    for values in lists:
        starts.append(starts[-1] + len(values))
    return {
        name: torch.tensor([value for values in lists for value in values], dtype=torch.int32),
        f"{name}_starts": torch.tensor(starts, dtype=torch.int32),
    }
