"""Training follows PyTorch's loss within 1e-3 nats for 200 steps, and the stored losses are PyTorch's."""
import json, tempfile, unittest
import lab, loss_curves


class LossCurveTests(unittest.TestCase):
    def test_losses_of_200_steps_follow_pytorch(self):
        stored = json.loads(loss_curves.STORED.read_text())["curves"]
        with tempfile.TemporaryDirectory() as top:
            graph = lab.tiny_graph(top)
            for index, settings in enumerate(loss_curves.CURVES):
                with self.subTest(loss_curves.name(settings)):
                    ours, theirs, _, _ = loss_curves.compare(graph, settings, f"{top}/{index}")
                    self.assertEqual(len(ours), loss_curves.STEPS)
                    self.assertLess(max(abs(a - b) for a, b in zip(ours, theirs)), loss_curves.TOLERANCE)
                    self.assertLess(
                        max(abs(a - b) for a, b in zip(stored[index]["losses"], theirs)), loss_curves.TOLERANCE,
                        "stored losses are old: python loss_curves.py --store")
                    self.assertLess(theirs[-1], theirs[0] - 0.5, "nothing was learned")


if __name__ == "__main__":
    unittest.main()
