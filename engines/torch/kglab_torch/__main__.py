"""The engine's process: says hello, then does what kglab asks until its input ends.

By itself one process; under torchrun the process of rank 0 speaks with kglab, and the others follow it.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import traceback
from typing import Any

from . import PROTOCOL, __version__
from .channel import Channel, Closed, Failure, Frame


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that compute."""
    import safetensors
    import torch

    found = {
        "kglab_torch": __version__,
        "python": platform.python_version(),
        "safetensors": safetensors.__version__,
        "torch": torch.__version__,
    }
    if torch.version.cuda:
        found["cuda"] = torch.version.cuda
    return found


def devices() -> list[dict[str, Any]]:
    """What can compute, accelerators first."""
    import torch

    found: list[dict[str, Any]] = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found.append({"device": f"cuda:{index}", "name": properties.name, "bytes": properties.total_memory})
    if torch.backends.mps.is_available():
        found.append({"device": "mps"})
    return [*found, {"device": "cpu"}]


def failure(error: BaseException) -> Frame:
    """An exception as the frame that kglab makes a sentence of."""
    message = " ".join(str(error).split("\n")[0].split()) or type(error).__name__
    if isinstance(error, Failure):
        return Frame("error", {"code": error.code, "message": message})
    if isinstance(error, ModuleNotFoundError):
        return Frame("error", {"code": "missing_package", "message": f"the package {error.name} is not there"})
    is_short = isinstance(error, MemoryError) or "out of memory" in message or "can't allocate memory" in message
    code = "out_of_memory" if is_short else "failed"
    return Frame("error", {"code": code, "message": f"{type(error).__name__}: {message}"})


def serve(channel: Channel) -> None:
    """Hello, then one service after the other."""
    from .services import SERVICES
    from .team import Team

    team = Team(channel)
    try:
        team.hello({"protocol": PROTOCOL, "versions": versions, "devices": devices})
        while True:
            frame = team.receive()
            service = SERVICES.get(frame.kind)
            if service is None:
                raise Failure("unknown", f"it does not know what '{frame.kind}' is")
            service(team, frame)
    finally:
        team.leave()


def main() -> int:
    # Ctrl-C is kglab's to deal with: it saves what is done, then ends the engine.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Channel.over_standard_streams()
    if int(os.environ.get("RANK", "0")) == 0:
        channel.live()
    try:
        serve(channel)
    except Closed:
        return 0
    except BaseException as error:
        traceback.print_exc()
        frame = failure(error)
        # Of several processes the first to fail says why; the others only find that it is gone.
        print(f"kglab_torch: {frame.fields['code']}: {frame.fields['message']}", file=sys.stderr, flush=True)
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            try:
                channel.send(frame)
            except Closed:
                pass
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # The thread of signs of life, and what devices run, must not hold up the end.
    os._exit(code)
