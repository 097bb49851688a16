"""Who is compared: kglab and its peers, each as a function from a shape to one measurement."""
import json, os, queue, subprocess, sys, tempfile, threading, time
import work

HERE = os.path.dirname(os.path.abspath(__file__))
# Without these glibc gives memory back after every step, which makes PyTorch up to ten times slower.
MALLOC = {"THP_MEM_ALLOC_ENABLE": "1", "MALLOC_MMAP_THRESHOLD_": "4294967296",
          "MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_TOP_PAD_": "268435456"}
TORCH_MODES = [(mode, dtype) for mode in ("eager", "compile") for dtype in ("fp32", "bf16")]

REGIMES = {
    "lab": {"sequences": 16, "vocabulary": 1024, "shapes": "1x32x2,2x64x4,4x96x6,4x128x4"},
    "wide": {"sequences": 64, "vocabulary": 4096, "shapes": "2x64x2,4x128x4,6x256x8,8x512x8"},
    "generate": {"sequences": 256, "vocabulary": 4096, "shapes": "4x128x4,6x256x8"},
    "evaluate-lab": {"sequences": 256, "vocabulary": 1024, "shapes": "2x64x4,4x128x4"},
    "evaluate-wide": {"sequences": 256, "vocabulary": 4096, "shapes": "4x128x4,6x256x8"},
    "evaluate-run": {"sequences": 2048},
    "ladder": {"sequences": 16, "vocabulary": 1024, "shapes": "ladder"},
}
LADDER = "1x16x1,2x16x1,2x20x1,3x24x2,2x36x2,2x48x3,2x64x4,4x80x5".split(",")


def run_json(command, environment=None):
    """The last line of a program's output, or all of it, as JSON."""
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {result.returncode}: {result.stderr.strip()[-2000:]}")
    text = result.stdout.strip()
    return json.loads(text if text.startswith("{\n") else text.splitlines()[-1])


class Candidates:
    """All candidates of one workload, by name."""

    def __init__(self, options, regime):
        self.options, self.regime = options, regime
        self.by_name = {}
        torch = {"ladder": self.torch_ladder, "evaluate": self.torch_evaluate,
                 "evaluate-run": self.torch_run}.get(options.workload, self.torch)
        kglab = {"evaluate": self.kglab_evaluate, "evaluate-run": self.kglab_run}.get(options.workload, self.kglab)
        for precision in ("fp32", "bf16"):
            self.add(f"kglab {precision}", kglab, precision)
        for mode, dtype in TORCH_MODES:
            self.add(f"torch {mode} {dtype}", torch, mode, dtype)
        if options.workload == "train":
            for dtype in ("fp32", "bf16"):
                self.add(f"jax {dtype}", self.jax, dtype)

    def add(self, name, function, *arguments):
        only = self.options.only
        if not only or any(part.strip() in name for part in only.split(",")):
            self.by_name[name] = lambda shape: function(shape, *arguments)

    def peer_options(self, shape, dtype):
        return ["--shape", shape, "--sequences", str(self.regime["sequences"]), "--vocabulary",
                str(self.regime["vocabulary"]), "--dtype", dtype, "--threads", str(self.options.threads),
                "--seconds", str(self.options.seconds)]

    def kglab(self, shape, precision):
        options = self.options
        command = [options.kglab, "bench", options.workload, "--precision", precision, "--workers",
                   str(options.threads), "--json"]
        if options.workload == "ladder":
            command += ["--steps", str(options.steps)]
        else:
            command += ["--shape", shape, "--vocabulary", str(self.regime["vocabulary"]), "--seconds",
                        str(options.seconds)]
            command += ["--sequences" if options.workload == "train" else "--prompts", str(self.regime["sequences"])]
        start = time.perf_counter()
        report = run_json(command)
        result = dict(report["rows"][0]["result"], version=f"kglab {report['kernels']}")
        if options.workload == "ladder":
            # The process also measured its ceiling, which counts against it here.
            result["wall_seconds"] = time.perf_counter() - start
        return result

    # A row of evaluation is a shape with its work: "4x128x4 exact 1.25" (answers of a query) or "4x128x4 sample".
    def kglab_evaluate(self, row, precision):
        shape, kind, *answers = row.split()
        report = run_json([
            self.options.kglab, "bench", "evaluate", "--shape", shape, "--precision", precision, "--workers",
            str(self.options.threads), "--vocabulary", str(self.regime["vocabulary"]), "--queries",
            str(self.regime["sequences"]), "--answers", *(answers or ["1"]), "--seconds", str(self.options.seconds),
            "--json"])
        result = report["rows"][0]["result"]
        key = "queries_per_second" if kind == "exact" else "sampled_tokens_per_second"
        return dict(result, tokens_per_second=result[key], version=f"kglab {report['kernels']}")

    # Of a run, a row is the work alone: "exact" or "sample".
    def kglab_run(self, kind, precision, *more):
        report = run_json([
            self.options.kglab, "bench", "evaluate", "--run", self.options.run, "--precision", precision, "--workers",
            str(self.options.threads), "--queries", str(self.regime["sequences"]), "--seconds",
            str(self.options.seconds), "--json", *more])
        result = report["rows"][0]["result"]
        key = "queries_per_second" if kind == "exact" else "sampled_tokens_per_second"
        return dict(result, tokens_per_second=result[key], version=f"kglab {report['kernels']}")

    def torch_run(self, kind, mode, dtype):
        if not hasattr(self, "exported"):
            self.exported = tempfile.TemporaryDirectory()
            self.kglab_run(kind, "fp32", "--quick", "--export", self.exported.name)
        return run_json([sys.executable, f"{HERE}/torch_run.py", self.exported.name, "--work", kind, "--mode", mode,
                         "--dtype", dtype, "--threads", str(self.options.threads), "--seconds",
                         str(self.options.seconds)], os.environ | MALLOC)

    def torch_evaluate(self, row, mode, dtype):
        shape, kind, *answers = row.split()
        return run_json([
            sys.executable, f"{HERE}/torch_evaluate.py", "--work", kind, "--mode", mode, "--shape", shape, "--dtype",
            dtype, "--threads", str(self.options.threads), "--vocabulary", str(self.regime["vocabulary"]),
            "--queries", str(self.regime["sequences"]), "--answers", *(answers or ["1"]), "--seconds",
            str(self.options.seconds)], os.environ | MALLOC)

    def torch(self, shape, mode, dtype):
        work_name = "train" if self.options.workload == "train" else "generate"
        return run_json([sys.executable, f"{HERE}/torch_step.py", "--work", work_name, "--mode", mode]
                        + self.peer_options(shape, dtype), os.environ | MALLOC)

    def jax(self, shape, dtype):
        return run_json([sys.executable, f"{HERE}/jax_step.py"] + self.peer_options(shape, dtype))

    def torch_ladder(self, _, mode, dtype):
        """One-thread processes that take the shapes one by one, the longest first."""
        options = self.options
        flops = {shape: work.Shape(shape).training_flops(128, self.regime["vocabulary"]) for shape in LADDER}
        order = sorted(LADDER, key=flops.get, reverse=True)
        waiting, rungs, failures, peaks = queue.Queue(), {}, [], {}
        for shape in order:
            waiting.put(shape)
        command = [sys.executable, f"{HERE}/torch_ladder.py", "--mode", mode, "--dtype", dtype, "--steps",
                   str(options.steps), "--sequences", str(self.regime["sequences"]), "--vocabulary",
                   str(self.regime["vocabulary"])]

        def serve(index):
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                       env=os.environ | MALLOC)
            try:
                while True:
                    shape = waiting.get_nowait()
                    process.stdin.write(shape + "\n")
                    process.stdin.flush()
                    rungs[shape] = json.loads(process.stdout.readline())
                    peaks[index] = rungs[shape]["peak_memory_mib"]
            except queue.Empty:
                pass
            except (OSError, ValueError) as error:
                failures.append(str(error))
            finally:
                process.stdin.close()
                process.wait()

        start = time.perf_counter()
        threads = [threading.Thread(target=serve, args=(index,)) for index in range(options.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wall = time.perf_counter() - start
        if failures or len(rungs) < len(order):
            raise RuntimeError(f"{' '.join(command)} trained {len(rungs)} of {len(order)} shapes: {failures}")
        # The same queue on the steps alone: no start of Python, no compilation.
        free = [0.0] * options.threads
        for shape in order:
            rung = rungs[shape]
            pace = rung["rest_seconds"] / max(rung["steps"] - 1, 1)
            free[free.index(min(free))] += pace * rung["steps"]
        tokens = len(order) * options.steps * self.regime["sequences"] * 128
        return {"seconds": max(free), "wall_seconds": wall, "tokens_per_second": tokens / max(free),
                "peak_memory_mib": sum(peaks.values()), "rungs": [rungs[shape] for shape in LADDER],
                "version": rungs[order[0]]["version"]}
