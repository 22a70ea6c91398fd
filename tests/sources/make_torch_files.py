"""Write torch_files/: small files as PyTorch 2.13, safetensors 0.8 and ml_dtypes 0.6 write them.

Run once with these installed; the suite reads the files and never needs torch.

    python3 -m venv torchenv
    torchenv/bin/pip install torch==2.13.0 safetensors==0.8.0 ml_dtypes==0.6.0 numpy
    torchenv/bin/python tests/sources/make_torch_files.py
"""

from pathlib import Path

import ml_dtypes
import numpy as np
import torch  # type: ignore[import-not-found]
from safetensors.torch import save_file  # type: ignore[import-not-found]

FOLDER = Path(__file__).with_name("torch_files")
KINDS = {
    "float64": torch.float64,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "int64": torch.int64,
    "int32": torch.int32,
    "int16": torch.int16,
    "int8": torch.int8,
    "uint8": torch.uint8,
    "bool": torch.bool,
    "complex64": torch.complex64,
    "complex128": torch.complex128,
    "uint16": torch.uint16,
    "float8": torch.float8_e4m3fn,
}


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(exist_ok=True)
    logits = torch.tensor([[1.5, -2.25, 0.5], [3.0, 0.0, -1.0]])
    numbered = torch.arange(24.0).reshape(4, 6)
    linear = torch.nn.Linear(3, 2)
    with torch.no_grad():
        linear.weight.copy_(logits)
        linear.bias.copy_(torch.tensor([7.0, 8.0]))
    for name, kind in KINDS.items():
        torch.save(logits.abs().to(kind), FOLDER / f"{name}.pt")
    several = {"logits": logits, "labels": torch.tensor([0, 2]), "epoch": 3, "note": "x"}
    views = {
        "whole": numbered,
        "transposed": numbered.T,
        "rows": numbered[1:3],
        "columns": numbered[:, 1:4],
        "steps": numbered[::2, ::3],
        "expanded": numbered[1].expand(5, 6),
        "one": numbered[2, 3],
        "empty": numbered[:0],
        "axes": numbered.reshape(2, 2, 6).permute(1, 0, 2),
        "narrow": numbered[:, 2:3],
    }
    torch.save(several, FOLDER / "dict.pt")
    torch.save({"logits": logits, "epoch": 3}, FOLDER / "one_of_dict.pt")
    torch.save(views, FOLDER / "views.pt")
    torch.save(linear.state_dict(), FOLDER / "state_dict.pth")
    torch.save(linear.weight, FOLDER / "parameter.pt")
    torch.save(logits.clone().requires_grad_(), FOLDER / "requires_grad.pt")
    torch.save(several, FOLDER / "protocol_5.pt", pickle_protocol=5)
    torch.save([logits, logits], FOLDER / "list.pt")
    torch.save(torch.conj(torch.complex(logits, logits)).imag, FOLDER / "negative.pt")
    torch.save(logits.to_sparse(), FOLDER / "sparse.pt")
    torch.save(np.ones(2), FOLDER / "numpy.pt")
    torch.save(linear, FOLDER / "module.pt")
    torch.jit.script(linear).save(FOLDER / "torchscript.pt")
    torch.save(logits, FOLDER / "old_layout.pt", _use_new_zipfile_serialization=False)
    torch.serialization.set_crc32_options(False)
    torch.save(logits, FOLDER / "without_crc.pt")

    save_file(
        {name: logits.abs().to(kind) for name, kind in KINDS.items() if name != "complex128"},
        FOLDER / "kinds.safetensors",
        {"format": "pt"},
    )
    (FOLDER / "kinds.safetensors").chmod(0o644)
    np.save(FOLDER / "bfloat16.npy", logits.abs().numpy().astype(ml_dtypes.bfloat16))


if __name__ == "__main__":
    main()
