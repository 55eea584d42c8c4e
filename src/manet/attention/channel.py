"""Channel attention (CAM): every channel attends to every other. Li et al. 2021, Fig. 2; after DANet (Fu 2019)."""

import torch
from torch import Tensor, nn

from manet.attention.folding import add_product
from manet.attention.summary_module import Summary, SummaryModule, flatten, in_full_precision, sum_dtype


class ChannelAttention(SummaryModule):
    """E = X^T X, A = softmax_row(rowmax(E) - E), out = X A^T, with a gated residual: X + g * out.

    Summary: the energy E (batch, channels, channels) and the number of positions behind it (batch,).
    The energy grows with the number of positions, so the softmax of a large map is sharper than that of a training
    patch. `energy_positions` scales it to that many positions; None is the paper's form.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(1))
        self.energy_positions: float | None = None

    def summarise(self, features: Tensor, valid: Tensor | None = None) -> Summary:
        dtype = sum_dtype(features)
        with in_full_precision(features):
            x = flatten(features, dtype)
            if valid is None:
                weighted, positions = x, x.new_full((x.shape[0],), x.shape[2])
            else:
                weights = flatten(valid, dtype)
                weighted, positions = x * weights, weights.sum((1, 2))
            return torch.einsum("bcn,bdn->bcd", weighted, x), positions

    def attend(self, features: Tensor, summary: Summary) -> Tensor:
        dtype = sum_dtype(features)
        with in_full_precision(features):
            energy, positions = summary
            if self.energy_positions is not None:
                energy = energy * (self.energy_positions / positions.clamp(min=1)).view(-1, 1, 1)
            # softmax does not see a constant added to a row, so rowmax(E) is left out
            attention = torch.softmax(-energy, dim=2).to(dtype) * self.gate.to(dtype)
            x = flatten(features, dtype)
            out = add_product(x, attention.transpose(1, 2), x)
        return out.to(features.dtype).view_as(features)


def naive(module: ChannelAttention, features: Tensor, valid: Tensor | None = None) -> Tensor:
    """Fig. 2 as drawn, the rows shifted by their maximum first."""
    x = features.flatten(2)
    weights = torch.ones_like(x[:, :1]) if valid is None else valid.flatten(2).to(x.dtype)
    energy = (x.unsqueeze(1) * x.unsqueeze(2) * weights.unsqueeze(1)).sum(3)
    if module.energy_positions is not None:
        energy = energy * (module.energy_positions / weights.sum((1, 2)).clamp(min=1)).view(-1, 1, 1)
    attention = torch.softmax(energy.amax(2, keepdim=True) - energy, dim=2)
    return features + module.gate * torch.einsum("bcd,bdn->bcn", attention, x).view_as(features)


def published(module: ChannelAttention, features: Tensor) -> Tensor:
    """The authors' order of operations, against which timings are taken: energy, row maximum less energy, softmax."""
    batch, channels, height, width = features.shape
    x = features.view(batch, channels, height * width)
    energy = torch.bmm(x, x.permute(0, 2, 1))
    energy = torch.max(energy, -1, keepdim=True)[0].expand_as(energy) - energy
    out = torch.bmm(torch.softmax(energy, dim=-1), x).view(batch, channels, height, width)
    return module.gate * out + features
