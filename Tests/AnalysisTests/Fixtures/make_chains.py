"""Prints what ChainDiagnosticsTests holds: R-hats and effective numbers of small chains by ArviZ 0.23.

    pip install arviz && python make_chains.py

Chains are functions of their number and place, so that no draws need to be kept.
"""

import math

import arviz
import numpy as np

length = 200


def chains(shift, spread):
    """Sums of sines that no period joins; chain k is moved by shift k and spread by 1 + spread k, its cube added."""
    found = []
    for k in range(4):
        own = []
        for t in range(length):
            x = math.sin(1.7 * t + k) + 0.8 * math.sin(0.37 * t * t + 2 * k) + 0.5 * math.cos(0.05 * t * (k + 1))
            own.append((1 + spread * k) * (x + 0.3 * x**3) + shift * k)
        found.append(own)
    return np.array(found)


for shift, spread in ((0, 0), (0.5, 0), (0, 0.4)):
    values = chains(shift, spread)
    print(shift, spread, float(arviz.rhat(values, method="split")), float(arviz.rhat(values, method="rank")),
          float(arviz.ess(values, method="identity")))
