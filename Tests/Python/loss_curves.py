"""200 steps of training by kglab and by PyTorch, from the same weights and batches.

  python loss_curves.py            shows the largest differences
  python loss_curves.py --store    writes PyTorch's losses to Tests/TrainingTests/Fixtures/loss_curves.json

The ordinary tests hold kglab to the stored file (LossCurveTests), test_loss_curve.py to a fresh one.
"""
import json, pathlib, sys, tempfile
import lab, reference

STORED = lab.ROOT / "Tests/TrainingTests/Fixtures/loss_curves.json"
TOLERANCE = 1e-3
STEPS = 200
SHARED = {"size": "3k", "epochs": 60, "seed": 5, "tokens_per_step": 256, "learning_rate": 0.0125,
          "weight_decay": 0.1, "warm_up_share": 0.05}
#: Every exported architecture, and each option of text and objective once.
CURVES = [
    {"query_key_norm": True, "tied_embeddings": False, "tokenizer": "word", "packing": "isolated",
     "loss": "all", "clip_norm": 1, "z_loss": 0},
    {"query_key_norm": True, "tied_embeddings": True, "tokenizer": "word", "packing": "window",
     "loss": "all", "clip_norm": 0.5, "z_loss": 0},
    {"query_key_norm": False, "tied_embeddings": False, "tokenizer": "bpe", "packing": "isolated",
     "loss": "object", "clip_norm": 1, "z_loss": 0.001},
    {"query_key_norm": False, "tied_embeddings": True, "tokenizer": "byte", "packing": "isolated",
     "loss": "all", "clip_norm": 0, "z_loss": 0, "size": "20k", "weight_decay": 0, "learning_rate": 0.005},
]


def arguments(settings):
    """The settings of a curve as options of `kglab train`."""
    flags = []
    for name, value in {**SHARED, **settings}.items():
        if name == "tied_embeddings":
            flags += ["--tied-embeddings"] if value else []
        elif name == "query_key_norm":
            flags += [] if value else ["--no-query-key-norm"]
        else:
            flags += ["--" + name.replace("_", "-"), str(value)]
    return flags + ["--workers", "1"]


def compare(graph, settings, folder):
    """Losses of the first 200 steps: kglab's, PyTorch's."""
    folder = pathlib.Path(folder)
    run, initial = folder / "run", folder / "initial"
    lab.kglab("train", graph, *arguments(settings), "--step-metrics", "--out", run)
    lab.kglab("export-model", run, "--checkpoint", 0, "--out", initial)
    batches = lab.kglab_json("batches", run, "--steps", f"1-{STEPS}")
    record = json.loads((run / "run.json").read_text())
    torch_losses, torch_norms, _ = reference.train(
        initial, batches, record["configuration"]["training"], record["steps"])
    ours = lab.steps(run)[:STEPS]
    return [s["train/cross_entropy"] for s in ours], torch_losses, [s["grads/norm"] for s in ours], torch_norms


def name(settings):
    family = "Qwen3" if settings["query_key_norm"] else "Llama"
    tied = "tied" if settings["tied_embeddings"] else "untied"
    return f"{family}, {tied}, {settings['tokenizer']}, {settings['packing']}, loss on {settings['loss']}"


def main():
    stored = []
    with tempfile.TemporaryDirectory() as top:
        graph = lab.tiny_graph(top)
        for index, settings in enumerate(CURVES):
            ours, theirs, our_norms, their_norms = compare(graph, settings, pathlib.Path(top) / str(index))
            worst = max(abs(a - b) for a, b in zip(ours, theirs))
            norm = max(abs(a - b) / b for a, b in zip(our_norms, their_norms))
            print(f"{name(settings)}: {len(ours)} steps, loss {theirs[0]:.4f} to {theirs[-1]:.4f}, "
                  f"largest difference {worst:.1e} nats, of gradient norms {norm:.1e}", flush=True)
            stored.append({**SHARED, **settings, "losses": [round(x, 6) for x in theirs]})
    if "--store" in sys.argv:
        import torch, transformers
        made = f"torch {torch.__version__}, transformers {transformers.__version__}"
        lines = ",\n".join(json.dumps(curve) for curve in stored)
        STORED.parent.mkdir(exist_ok=True)
        STORED.write_text(f'{{"made_with": "{made}", "curves": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
