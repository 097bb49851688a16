"""kglab's engine for PyTorch: what kglab starts as `python -m kglab_torch` and speaks with by frames."""

__version__ = "0.1.0"

#: Version of the frames; kglab refuses another.
PROTOCOL = 1
