"""What every peer script shares: shapes, how steps are timed, the line of JSON that compare.py reads."""
import json, resource, statistics, time


class Shape:
    """LAYERSxWIDTHxHEADS with the feed-forward width of kglab's benchmark: 8/3 of the width, rounded up to 16."""

    def __init__(self, text):
        self.text = text
        self.layers, self.width, self.heads = (int(part) for part in text.split("x"))
        self.hidden = (8 * self.width // 3 + 15) // 16 * 16
        self.head_width = self.width // self.heads

    def training_flops(self, context, vocabulary):
        """Of one token, by the formula of docs/performance.md."""
        layer = 4 * self.width ** 2 + 3 * self.width * self.hidden
        weights = self.layers * layer + vocabulary * self.width
        return 6 * weights + 6 * self.layers * self.width * context


def add_options(parser):
    parser.add_argument("--shape", required=True)
    parser.add_argument("--sequences", type=int, default=16)
    parser.add_argument("--context", type=int, default=128)
    parser.add_argument("--vocabulary", type=int, default=1024)
    parser.add_argument("--dtype", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3)


def timed(step, seconds, warm_ups=3, at_least=3):
    """Seconds of the first call, and the times of those after the warm-up, as kglab's Timing.collect takes them.

    `step()` does the work once and returns the seconds that count.
    """
    start = time.perf_counter()
    first = step()
    for _ in range(warm_ups - 1):
        if time.perf_counter() - start - first > seconds:
            break
        step()
    start, times = time.perf_counter(), []
    while len(times) < at_least or time.perf_counter() - start < seconds:
        times.append(step())
    return first, times


def seconds_of(body):
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def read_safetensors(path):
    """Arrays in single precision by name."""
    import numpy
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    arrays = {}
    for name, tensor in header.items():
        if name != "__metadata__":
            start, end = tensor["data_offsets"]
            arrays[name] = numpy.frombuffer(data[start:end], "<f4").reshape(tensor["shape"])
    return arrays


def peak_memory_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(tokens, first, times, **more):
    """Prints the result of one measurement as a line of JSON."""
    median = statistics.median(times)
    print(json.dumps({
        "tokens_per_second": tokens / median, "seconds": median, "repetitions": len(times),
        "first_seconds": first, "peak_memory_mib": peak_memory_mib(), **more}), flush=True)
