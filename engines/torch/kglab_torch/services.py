"""What the engine can do, by the kind of the frame that begins it.

A service is called with the team and that frame, takes further frames itself, and returns when the next service may
begin.
"""

from __future__ import annotations

from collections.abc import Callable

from . import training
from .channel import Frame
from .team import Team

SERVICES: dict[str, Callable[[Team, Frame], None]] = {"train": training.serve}
