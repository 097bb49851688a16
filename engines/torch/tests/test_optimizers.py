"""The update rules against PyTorch's and transformers' own, on random values."""

import unittest

import torch

from kglab_torch.optimizers import Optimizer

SETTINGS = {"optimizer": "adamw", "beta1": 0.9, "beta2": 0.95, "clip_norm": 0.5}


def stretch(start: int, end: int, **more: object) -> dict[str, object]:
    return {
        "start": start, "end": end, "rate_factor": 1.0, "multiplier": 1.0, "epsilon": 1e-8, "decay": 0.1,
        "shape": None, **more,
    }


def walk(settings, stretches, gradients, rates, start):
    """Values after some steps of kglab's rule."""
    values = start.clone()
    optimizer = Optimizer({**SETTINGS, **settings, "stretches": stretches}, len(start), torch.device("cpu"))
    for number, (gradient, rate) in enumerate(zip(gradients, rates, strict=True)):
        optimizer.step(values, gradient, optimizer.norm(gradient), rate, number)
    return values


class OptimizerTests(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)
        self.start = torch.randn(24)
        self.gradients = [torch.randn(24) for _ in range(20)]
        self.rates = [0.01 * (1 + number % 3) for number in range(20)]

    def clipped(self, gradient):
        return gradient * min(1.0, SETTINGS["clip_norm"] / gradient.norm().item())

    def by_torch(self, make):
        parameter = torch.nn.Parameter(self.start.clone())
        optimizer = make(parameter)
        for gradient, rate in zip(self.gradients, self.rates, strict=True):
            parameter.grad = self.clipped(gradient)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
        return parameter.detach()

    def test_adamw_is_pytorchs(self):
        theirs = self.by_torch(lambda p: torch.optim.AdamW([p], betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1))
        ours = walk({}, [stretch(0, 10), stretch(10, 24)], self.gradients, self.rates, self.start)
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)

    def test_rate_factors_are_rates(self):
        theirs = self.by_torch(lambda p: torch.optim.AdamW([p], betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1))
        rates = [rate / 4 for rate in self.rates]
        ours = walk({}, [stretch(0, 24, rate_factor=4.0)], self.gradients, rates, self.start)
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)

    def test_sgd_is_pytorchs_where_nothing_decays(self):
        theirs = self.by_torch(lambda p: torch.optim.SGD([p], momentum=0.9))
        ours = walk({"optimizer": "sgd"}, [stretch(0, 24, decay=0.0)], self.gradients, self.rates, self.start)
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)

    def test_adafactor_is_transformers(self):
        from transformers.optimization import Adafactor

        for shape in ([24], [4, 6]):
            with self.subTest(shape=shape):
                parameter = torch.nn.Parameter(self.start.clone().view(shape))
                optimizer = Adafactor(
                    [parameter], lr=0.01, eps=(1e-30, 1e-3), clip_threshold=1.0, decay_rate=-0.8, weight_decay=0.0,
                    scale_parameter=True, relative_step=False, warmup_init=False,
                )
                for gradient, rate in zip(self.gradients, self.rates, strict=True):
                    parameter.grad = self.clipped(gradient).view(shape)
                    optimizer.param_groups[0]["lr"] = rate
                    optimizer.step()
                ours = walk(
                    {"optimizer": "adafactor"}, [stretch(0, 24, decay=0.0, shape=shape)], self.gradients, self.rates,
                    self.start,
                )
                torch.testing.assert_close(ours, parameter.detach().flatten(), atol=1e-5, rtol=0)

    def test_atan2_by_its_formula(self):
        ours = walk({"optimizer": "adam-atan2"}, [stretch(0, 24)], self.gradients, self.rates, self.start)
        w, m, v = self.start.double(), torch.zeros(24).double(), torch.zeros(24).double()
        for number, (gradient, rate) in enumerate(zip(self.gradients, self.rates, strict=True), 1):
            g = self.clipped(gradient).double()
            m = 0.9 * m + 0.1 * g
            v = 0.95 * v + 0.05 * g * g
            w = w - rate * 0.1 * w - rate * 1.27 * torch.atan2(m / (1 - 0.9**number), (v / (1 - 0.95**number)).sqrt())
        torch.testing.assert_close(ours, w.float(), atol=1e-5, rtol=0)

    def test_a_multiplier_is_that_of_the_weight(self):
        # theta = w / 2 trained by SGD on g_theta = 2 g: w moves by 4 rate g.
        ours = walk(
            {"optimizer": "sgd", "beta1": 0.0, "clip_norm": 0.0}, [stretch(0, 24, multiplier=2.0, decay=0.0)],
            self.gradients[:1], [0.01], self.start,
        )
        torch.testing.assert_close(ours, self.start - 0.04 * self.gradients[0])
        optimizer = Optimizer({**SETTINGS, "stretches": [stretch(0, 24, multiplier=2.0)]}, 24, torch.device("cpu"))
        self.assertAlmostEqual(optimizer.norm(self.gradients[0]), 2 * self.gradients[0].norm().item(), places=4)


if __name__ == "__main__":
    unittest.main()
