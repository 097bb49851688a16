"""Compressed runs, loaded by transformers and held to the same compression done in PyTorch and packed by NumPy."""
import pathlib, shutil, tempfile, unittest
import numpy as np
import torch
from transformers import AutoModelForCausalLM
import lab

#: Bits and share pruned, as options have them.
FORMS = [(None, 0.6), (8, None), (4, None), (8, 0.45), (4, 0.9)]


def setUpModule():
    global TOP
    TOP = pathlib.Path(tempfile.mkdtemp(prefix="kglab-python-"))
    unittest.addModuleCleanup(shutil.rmtree, TOP)
    graph = lab.tiny_graph(TOP)
    lab.kglab("train", graph, "--size", "10k", "--epochs", 20, "--tokens-per-step", 256, "--out", TOP / "whole")


def parameters(run):
    """The model's tensors by name, as transformers reads them."""
    return dict(AutoModelForCausalLM.from_pretrained(run).named_parameters())


def compressed(weight, bits, prune):
    """A matrix after magnitude pruning and symmetric rounding by rows; with bits also codes and scales."""
    weight = weight.detach().clone()
    count = round((prune or 0) * weight.numel())
    order = torch.sort(weight.abs().flatten(), stable=True).indices
    weight.view(-1)[order[:count]] = 0
    if bits is None:
        return weight, None
    scale = weight.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
    # Half away from zero, as Swift rounds.
    ratio = torch.where(scale > 0, weight / scale, torch.zeros(()))
    codes = torch.sign(ratio) * torch.floor(ratio.abs() + 0.5)
    return codes * scale, codes


def packed_bytes(weight, codes, bits):
    """Bytes of the smaller of two forms that are really packed: all weights, or a mask and those that are not 0."""
    if bits is None:
        dense = weight.numpy().astype("<f4").tobytes()
        rest = weight[weight != 0].numpy().astype("<f4").tobytes()
    else:
        unsigned = (codes.to(torch.int64) % 2 ** bits).numpy().astype(np.uint8).flatten()
        def pack(values):
            return np.packbits(np.unpackbits(values[:, None], axis=1)[:, 8 - bits:].flatten()).tobytes()
        dense, rest = pack(unsigned), pack(unsigned[unsigned != 0])
    mask = np.packbits((weight != 0).numpy().flatten()).tobytes()
    return min(len(dense), len(mask) + len(rest)) + (0 if bits is None else 4 * weight.shape[0])


class CompressionTests(unittest.TestCase):
    def test_weights_and_bytes_are_those_of_the_same_compression_elsewhere(self):
        whole = parameters(TOP / "whole")
        for bits, prune in FORMS:
            with self.subTest(bits=bits, prune=prune):
                name = TOP / f"small-{bits}-{prune}"
                options = (["--bits", bits] if bits else []) + (["--prune", prune] if prune else [])
                record = lab.kglab_json("compress", TOP / "whole", *options, "--out", name)
                small = parameters(name)
                total, zeros, matrices = 0, 0, 0
                for key, weight in whole.items():
                    if weight.dim() == 1:
                        self.assertTrue(torch.equal(small[key], weight), key)
                        total += 4 * weight.numel()
                        continue
                    wanted, codes = compressed(weight, bits, prune)
                    self.assertTrue(torch.equal(small[key], wanted), key)
                    total += packed_bytes(wanted, codes, bits)
                    zeros += (wanted == 0).sum().item()
                    matrices += wanted.numel()
                self.assertEqual(record["stored_bytes"], total)
                self.assertAlmostEqual(record["zero_share"], zeros / matrices, places=12)

    def test_what_is_not_compressed_has_every_rate_of_its_parent(self):
        lab.kglab("compress", TOP / "whole", "--prune", 0, "--out", TOP / "same")
        rates = [lab.kglab_json("evaluate", TOP / name, "--samples", 2)["rates"] for name in ("whole", "same")]
        self.assertEqual(rates[0], rates[1])
        self.assertEqual((TOP / "whole/model.safetensors").read_bytes(), (TOP / "same/model.safetensors").read_bytes())


if __name__ == "__main__":
    unittest.main()
