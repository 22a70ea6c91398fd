"""The closed forms in torch, float32, on two threads, a block of rows at a time.

``python -m tests.bench.peers.torch_blocked softmax|sigmoid ROWS A B``; the arrays are in memory
before the clock starts.
"""

import sys
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found,unused-ignore]

from tests.bench.serve import serve


def softmax(s: Any, t: Any) -> tuple[Any, ...]:
    """J = <p - q, s - t> as the sum of both KLs, KL(p||q) = <p, s - t> - (log Zs - log Zt)."""
    p, q, d = s.softmax(-1), t.softmax(-1), s - t
    step = log_partition(s, p) - log_partition(t, q)
    kl = torch.linalg.vecdot(p, d) - step
    reverse_kl = step - torch.linalg.vecdot(q, d)
    return kl + reverse_kl, kl, reverse_kl


def log_partition(logits: Any, p: Any) -> Any:
    """Log Z without another pass of exp: log p = logit - log Z, of the largest."""
    return logits.amax(-1) - p.amax(-1).log()


def sigmoid(s: Any, t: Any) -> tuple[Any, ...]:
    """J = <sigma(s) - sigma(t), s - t>."""
    return (((s.sigmoid() - t.sigmoid()) * (s - t)).sum(-1),)


def main() -> None:
    """Serve the mean of J, the other results being computed too."""
    torch.set_num_threads(2)
    form = {"softmax": softmax, "sigmoid": sigmoid}[sys.argv[1]]
    step = int(sys.argv[2])
    s, t = (torch.from_numpy(np.load(path)) for path in sys.argv[3:])

    def work() -> float:
        parts = [form(*block) for block in zip(s.split(step), t.split(step), strict=True)]
        results = [torch.cat(each) for each in zip(*parts, strict=True)]
        means = [float(each.mean()) for each in results]
        return means[0]

    serve(work)


if __name__ == "__main__":
    main()
