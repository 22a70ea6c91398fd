"""KL in both directions and their sum, as people write it with torch."""

import sys

import numpy as np
import torch  # type: ignore[import-not-found,unused-ignore]
import torch.nn.functional as F  # type: ignore[import-not-found,unused-ignore]  # noqa: N812

s = torch.from_numpy(np.load(sys.argv[1]))
t = torch.from_numpy(np.load(sys.argv[2]))
log_p = F.log_softmax(s, dim=-1)
log_q = F.log_softmax(t, dim=-1)
kl = F.kl_div(log_q, log_p, reduction="batchmean", log_target=True).item()
reverse_kl = F.kl_div(log_p, log_q, reduction="batchmean", log_target=True).item()
print(kl + reverse_kl, kl, reverse_kl)  # noqa: T201
