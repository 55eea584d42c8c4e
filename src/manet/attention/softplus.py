"""softplus, phi of kernel attention: log(1 + exp(x)). Li et al. 2021, Eq. 9."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus as torchs

from manet.attention.summary_module import tracing


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)) of every element, exact to the last digits of float32, also where it is tiny.

    Torch's own spends its time in log1p, which takes a CPU more than ten times as long as log. It is used on other
    devices and in traced graphs.
    """
    if tracing() or x.device.type != "cpu":
        return torchs(x)
    return _Softplus.apply(x)  # type: ignore[no-any-return]


class _Softplus(torch.autograd.Function):
    """max(x, 0) + log(1 + u) with u = exp(-|x|). The logarithm is taken of w, which is 1 + u rounded, and the rounding
    error is added to first order: log(1 + u) = log(w) + (u - (w - 1)) / w + O(rounding squared)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        u = x.abs().neg_().exp_()
        w = u + 1
        result = w.log()
        u.sub_(w - 1)  # both differences are exact
        return result.addcdiv_(u, w).add_(x.clamp_min(0))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradients[0] * x.sigmoid()
