"""Training by the torch engine follows the native one, alone and in two processes, and ends the same when it was killed."""
import json, os, pathlib, signal, socket, subprocess, sys, tempfile, time, unittest
import lab
from safetensors.numpy import load_file

SHARED = ["--size", "3k", "--steps", 200, "--seed", 5, "--tokens-per-step", 256, "--learning-rate", 0.0125,
          "--workers", 1, "--step-metrics"]
#: At larger rates, as SGD with 0.3, rounding grows from step to step until it is seen, whoever trains.
#: Every architecture option, each option of text and objective, and every optimiser and what it takes.
CASES = {
    "usual": [],
    "tied, window": ["--tied-embeddings", "--packing", "window", "--clip-norm", 0.5],
    "no qk-norm, objects, z-loss": ["--no-query-key-norm", "--tokenizer", "bpe", "--loss", "object", "--z-loss", 0.001],
    "gelu": ["--activation", "gelu", "--clip-norm", 0],
    "gelu, tied, bytes": ["--activation", "gelu", "--tied-embeddings", "--tokenizer", "byte", "--size", "20k",
                          "--learning-rate", 0.005],
    "slots": ["--slot-share", 0.3],
    "rules": ["--rule-share", 0.2],
    "atan2, wsd": ["--optimizer", "adam-atan2", "--schedule", "wsd"],
    "sgd": ["--optimizer", "sgd", "--learning-rate", 0.1],
    "adafactor": ["--optimizer", "adafactor", "--learning-rate", 0.03, "--schedule", "linear"],
    "mup, applied": ["--parameterization", "mup", "--multipliers", "applied", "--epsilon-mode", "per-layer",
                     "--weight-decay-mode", "independent"],
    "rates by layer": ["--embedding-rate", 2, "--hidden-rate", 0.5, "--read-out-rate", 0.7, "--weight-decay", 0.2],
}
TORCH = ["--engine", "torch", "--python", sys.executable, "--device", "cpu"]


def losses(run):
    return [step["train/cross_entropy"] for step in lab.steps(run)]


def train(graph, run, *options):
    lab.kglab("train", graph, *SHARED, *options, "--out", run)
    return losses(run)


class TorchEngineTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.top = pathlib.Path(cls.folder.name)
        cls.graph = lab.tiny_graph(cls.top)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_folder(self, name):
        return self.top / self.id().split(".")[-1] / name

    def test_every_option_follows_the_native_engine_for_200_steps(self):
        for name, options in CASES.items():
            with self.subTest(name):
                native, torch = self.run_folder(f"{name} native"), self.run_folder(f"{name} torch")
                ours, theirs = train(self.graph, native, *options), train(self.graph, torch, *options, *TORCH)
                worst = max(abs(a - b) for a, b in zip(ours, theirs))
                print(f"\n  {name}: loss {ours[0]:.4f} to {ours[-1]:.4f}, largest difference {worst:.1e}", end="")
                self.assertEqual((len(ours), len(theirs)), (200, 200))
                self.assertLess(worst, 1e-3)
                self.assertLess(theirs[-1], theirs[0] - 0.5, "nothing was learned")

    def test_the_run_is_one_like_any_other(self):
        run = self.run_folder("run")
        train(self.graph, run, *TORCH, "--keep-steps", "10")
        record = json.loads((run / "run.json").read_text())
        import torch
        self.assertEqual(record["configuration"]["training"]["engine"], "torch")
        self.assertEqual(record["engine"]["versions"]["torch"], torch.__version__)
        self.assertEqual((record["engine"]["device"], record["engine"]["processes"]), ("cpu", 1))
        lab.kglab("evaluate", run, "--workers", 1)
        self.assertEqual(len(lab.rows(run / "run.sqlite", "SELECT 1 FROM rate LIMIT 1")), 1)
        initial = self.run_folder("initial")
        lab.kglab("export-model", run, "--checkpoint", 10, "--out", initial)
        with self.assertRaisesRegex(lab.Failed, "training.engine is torch there"):
            lab.kglab("train", self.graph, *SHARED, "--out", run)
        from transformers import AutoModelForCausalLM
        AutoModelForCausalLM.from_pretrained(initial)

    def test_two_processes_follow_one(self):
        for name in ["usual", "tied, window"]:
            with self.subTest(name):
                runs = [train(self.graph, self.run_folder(f"{name} {count}"), *CASES[name], *TORCH,
                              "--processes", count, "--micro-batch-tokens", 64) for count in (1, 2)]
                worst = max(abs(a - b) for a, b in zip(*runs))
                print(f"\n  {name}, 2 processes: largest difference {worst:.1e}", end="")
                self.assertLess(worst, 1e-4)
        record = json.loads((self.run_folder("usual 2") / "run.json").read_text())
        self.assertEqual(record["engine"]["processes"], 2)

    def test_two_machines_follow_one(self):
        # Two launchers on this machine, of which the second sees nothing but a port.
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        place = lambda rank: ["--nnodes", "2", "--node-rank", str(rank), "--master-addr", "127.0.0.1",
                              "--master-port", str(port)]
        second = subprocess.Popen(
            [sys.executable, "-m", "torch.distributed.run", *place(1), "--nproc-per-node", "1", "-m", "kglab_torch"],
            env={**os.environ, "PYTHONPATH": str(lab.ROOT / "engines/torch")}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            two = train(self.graph, self.run_folder("two"), *TORCH, "--torchrun", " ".join(place(0)))
            _, said = second.communicate(timeout=120)
        finally:
            second.terminate()  # kill would leave the process that torchrun started
        one = train(self.graph, self.run_folder("one"), *TORCH)
        self.assertLess(max(abs(a - b) for a, b in zip(one, two)), 1e-4)
        self.assertEqual(second.returncode, 0, said)
        self.assertEqual(json.loads((self.run_folder("two") / "run.json").read_text())["engine"]["processes"], 2)

    def test_bf16_and_compiled_kernels_stay_near(self):
        usual = train(self.graph, self.run_folder("usual"), *TORCH)
        half = train(self.graph, self.run_folder("half"), *TORCH, "--precision", "bf16")
        compiled = train(self.graph, self.run_folder("compiled"), *TORCH, "--compile")
        differences = [max(abs(a - b) for a, b in zip(usual, other)) for other in (half, compiled)]
        print(f"\n  bf16 {differences[0]:.1e}, compiled {differences[1]:.1e}", end="")
        self.assertTrue(1e-4 < differences[0] < 0.1, "bf16 rounds, and no more than that")
        self.assertLess(differences[1], 1e-3)
        self.assertTrue(json.loads((self.run_folder("compiled") / "run.json").read_text())["engine"]["compiled"])

    def test_killed_and_resumed_ends_the_same(self):
        whole, cut = self.run_folder("whole"), self.run_folder("cut")
        train(self.graph, whole, *TORCH)
        # Killed in any way at any time: the engine goes with kglab, and the command goes on from its checkpoint.
        command = [lab.KGLAB, "train", self.graph, *SHARED, *TORCH, "--checkpoint-steps", 5, "--out", cut]
        for number, least in [(signal.SIGKILL, 20), (signal.SIGINT, 60), (signal.SIGTERM, 100)]:
            process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
            try:
                while process.poll() is None and not self.reached(cut, least):
                    time.sleep(0.01)
                engines = children(process.pid)
                process.send_signal(number)
            finally:
                process.communicate(timeout=600)
            self.assertEqual(process.returncode, -9 if number == signal.SIGKILL else 75)
            deadline = time.monotonic() + 120
            while any(os.path.exists(f"/proc/{engine}") for engine in engines) and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertFalse([e for e in engines if os.path.exists(f"/proc/{e}")], "the engine outlived kglab")
        lab.kglab(*command[1:])
        self.assertEqual(lab.steps(whole), lab.steps(cut))
        ours, theirs = load_file(whole / "model.safetensors"), load_file(cut / "model.safetensors")
        self.assertTrue(all((ours[name] == theirs[name]).all() for name in ours))
        self.assertEqual(json.loads((cut / "run.json").read_text())["sessions"], 4)

    @staticmethod
    def reached(run, step):
        names = [p.name for p in (run / "checkpoints").glob("step-*")]
        return any(int(name[5:]) >= step for name in names)

    def test_zeros_are_kept(self):
        run, pruned, trained = (self.run_folder(name) for name in ("run", "pruned", "trained"))
        lab.kglab("train", self.graph, *SHARED, "--out", run)
        lab.kglab("compress", run, "--prune", 0.5, "--out", pruned)
        lab.kglab("train", self.graph, "--from", pruned, "--steps", 20, "--keep-zeros", "--learning-rate", 0.001,
                  *TORCH, "--out", trained)
        before, after = load_file(pruned / "model.safetensors"), load_file(trained / "model.safetensors")
        for name in before:
            if before[name].ndim == 2:
                self.assertTrue((after[name][before[name] == 0] == 0).all(), name)
                self.assertTrue((after[name] != before[name]).any(), name)

    def test_rounds_of_self_training_are_trained(self):
        run, rounds = self.run_folder("run"), self.run_folder("rounds")
        lab.kglab("train", self.graph, *SHARED, "--out", run)
        options = ["--rounds", 1, "--samples", 4, "--epochs", 2, "--learning-rate", 0.001, "--workers", 1]
        lab.kglab("self-train", run, *options, *TORCH, "--out", rounds)
        record = json.loads((rounds / "round-1/run.json").read_text())
        self.assertEqual(record["configuration"]["training"]["engine"], "torch")
        self.assertEqual(record["engine"]["device"], "cpu")
        with self.assertRaisesRegex(lab.Failed, "--device is for --engine torch"):
            lab.kglab("self-train", run, *options, "--device", "cpu", "--out", self.run_folder("refused"))

    def test_failures_of_the_engine_are_sentences_and_leave_no_model(self):
        run = self.run_folder("run")
        for words, options in [
            ("there is no program '/nowhere/python' to run as Python", ["--python", "/nowhere/python"]),
            ("cannot compute on the device 'tpu'", ["--device", "tpu"]),
            ("--device is for --engine torch", None),
        ]:
            with self.subTest(words), self.assertRaises(lab.Failed) as caught:
                extra = ["--device", "cpu"] if options is None else [*TORCH, *options]
                lab.kglab("train", self.graph, *SHARED, *extra, "--out", run)
            self.assertIn(words, str(caught.exception))
        self.assertFalse((run / "model.safetensors").exists())

    def test_a_process_that_dies_is_named_with_its_reason(self):
        site = self.run_folder("site")
        site.mkdir(parents=True)
        # Python runs this at its start: the process of rank 1 finds no memory in its fourth step.
        (site / "sitecustomize.py").write_text(
            "import os\n"
            "if os.environ.get('RANK') == '1':\n"
            "    import kglab_torch.training as t\n"
            "    count, gradient = [0], t.Trainer.gradient\n"
            "    def fail(self, batch):\n"
            "        count[0] += 1\n"
            "        if count[0] == 4: raise MemoryError('out of memory on purpose')\n"
            "        return gradient(self, batch)\n"
            "    t.Trainer.gradient = fail\n")
        place = pathlib.Path(__file__).resolve().parents[2] / "engines/torch"
        command = [lab.KGLAB, "train", self.graph, *SHARED, *TORCH, "--processes", 2, "--out", self.run_folder("run")]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True,
                              env={**os.environ, "PYTHONPATH": f"{site}:{place}"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("MemoryError: out of memory on purpose; take a smaller --micro-batch-tokens", done.stderr)


def children(pid):
    """The processes that a process started, and theirs."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    return [int(p) for p in found] + [c for p in found for c in children(int(p))]


if __name__ == "__main__":
    unittest.main()
