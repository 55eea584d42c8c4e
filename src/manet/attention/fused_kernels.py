"""The Triton kernels of `fused`. n, k and c are indices of positions, keys and channels.

Products are taken in the features' type with sums in float32; softplus, quotients and weights are float32.
"""

# pyright: basic, reportArgumentType=false, reportIndexIssue=false, reportCallIssue=false, reportOperatorIssue=false
# ruff: noqa: ANN001, ANN202, N803
import triton
import triton.language as tl


@triton.jit
def _tile(pointer, n, c, positions, channels, step_n, step_c):
    """Features at positions n and channels c, 0 outside the map."""
    inside = (n[:, None] < positions) & (c[None, :] < channels)
    return tl.load(pointer + n[:, None] * step_n + c[None, :] * step_c, mask=inside, other=0.0)


@triton.jit
def _rows(pointer, k, c, keys, channels, dtype: tl.constexpr):
    """A matrix (keys, channels) at keys k and channels c, 0 outside it."""
    inside = (k[:, None] < keys) & (c[None, :] < channels)
    return tl.load(pointer + k[:, None] * channels + c[None, :], mask=inside, other=0.0).to(dtype)


@triton.jit
def _product(
    features,
    n,
    positions,
    step_n,
    step_c,
    matrix,
    k,
    keys,
    channels,
    TILE_N: tl.constexpr,
    TILE_K: tl.constexpr,
    TILE_C: tl.constexpr,
):
    """Features times the transpose of a matrix (keys, channels): (n, k), float32."""
    product = tl.zeros((TILE_N, TILE_K), tl.float32)
    for start in range(0, channels, TILE_C):
        c = start + tl.arange(0, TILE_C)
        x = _tile(features, n, c, positions, channels, step_n, step_c)
        product += tl.dot(x, tl.trans(_rows(matrix, k, c, keys, channels, x.dtype)), input_precision="ieee")
    return product


@triton.jit
def _softplus(z):
    # as in `softplus`: exact where it is tiny, so that a quotient of such values is too
    u = tl.exp(-tl.abs(z))
    w = 1.0 + u
    return tl.maximum(z, 0.0) + tl.log(w) + (u - (w - 1.0)) / w


@triton.jit
def summarise(
    x_pointer, weight, bias, valid, sums, products,
    positions, channels, keys, batch, across, step_b, step_c, step_n,
    HAS_VALID: tl.constexpr, POSITIONS: tl.constexpr, OUT_C: tl.constexpr,
    TILE_N: tl.constexpr, TILE_K: tl.constexpr, TILE_C: tl.constexpr,
) -> None:  # fmt: skip
    """Sums over one part of the positions, for one tile of keys and channels."""
    part, b = tl.program_id(0), tl.program_id(1).to(tl.int64)
    k = tl.program_id(2) // across * TILE_K + tl.arange(0, TILE_K)
    out_c = tl.program_id(2) % across * OUT_C + tl.arange(0, OUT_C)
    features = x_pointer + b * step_b
    offset = tl.load(bias + k, mask=k < keys, other=0.0).to(tl.float32)
    total = tl.zeros((TILE_K,), tl.float32)
    product = tl.zeros((TILE_K, OUT_C), tl.float32)
    for start in range(0, tl.minimum(POSITIONS, positions - part * POSITIONS), TILE_N):
        n = (part * POSITIONS + start + tl.arange(0, TILE_N)).to(tl.int64)
        z = _product(features, n, positions, step_n, step_c, weight, k, keys, channels, TILE_N, TILE_K, TILE_C)
        phi = tl.where((n[:, None] < positions) & (k[None, :] < keys), _softplus(z + offset[None, :]), 0.0)
        if HAS_VALID:
            phi *= tl.load(valid + b * positions + n, mask=n < positions, other=0.0)[:, None]
        total += tl.sum(phi, 0)
        x = _tile(features, n, out_c, positions, channels, step_n, step_c)
        product += tl.dot(tl.trans(phi.to(x.dtype)), x, input_precision="ieee")
    row = (part * batch + b) * keys + k
    tl.store(sums + row, total, mask=(k < keys) & (tl.program_id(2) % across == 0))
    inside = (k[:, None] < keys) & (out_c[None, :] < channels)
    tl.store(products + row[:, None] * channels + out_c[None, :], product, mask=inside)


@triton.jit
def summarise_backward(
    x_pointer, weight, bias, valid, of_sums, of_products, of_x, of_keys,
    positions, channels, keys, step_b, step_c, step_n, out_b, out_c, out_n,
    HAS_VALID: tl.constexpr, TILE_N: tl.constexpr, TILE_K: tl.constexpr, TILE_C: tl.constexpr,
) -> None:  # fmt: skip
    """The gradients of the features, and of the keys before softplus."""
    b = tl.program_id(1).to(tl.int64)
    n = (tl.program_id(0) * TILE_N + tl.arange(0, TILE_N)).to(tl.int64)
    k = tl.arange(0, TILE_K)
    features, matrix = x_pointer + b * step_b, of_products + b * keys * channels
    z = _product(features, n, positions, step_n, step_c, weight, k, keys, channels, TILE_N, TILE_K, TILE_C)
    z += tl.load(bias + k, mask=k < keys, other=0.0).to(tl.float32)[None, :]
    gradient = _product(features, n, positions, step_n, step_c, matrix, k, keys, channels, TILE_N, TILE_K, TILE_C)
    gradient += tl.load(of_sums + b * keys + k, mask=k < keys, other=0.0)[None, :]
    phi, gradient = _softplus(z), gradient * tl.sigmoid(z)
    if HAS_VALID:
        share = tl.load(valid + b * positions + n, mask=n < positions, other=0.0)[:, None]
        phi, gradient = phi * share, gradient * share
    dtype = of_x.dtype.element_ty
    phi, gradient = phi.to(dtype), gradient.to(dtype)
    inside = (n[:, None] < positions) & (k[None, :] < keys)
    tl.store(of_keys + (b * positions + n[:, None]) * keys + k[None, :], gradient, mask=inside)
    for start in range(0, channels, TILE_C):
        c = start + tl.arange(0, TILE_C)
        tile = tl.dot(phi, _rows(matrix, k, c, keys, channels, dtype), input_precision="ieee")
        tile += tl.dot(gradient, _rows(weight, k, c, keys, channels, dtype), input_precision="ieee")
        within = (n[:, None] < positions) & (c[None, :] < channels)
        tl.store(of_x + b * out_b + n[:, None] * out_n + c[None, :] * out_c, tile, mask=within)


@triton.jit
def attend(
    x_pointer, weight, bias, gate, denominator, key_values, out,
    positions, channels, keys, step_b, step_c, step_n, out_b, out_c, out_n,
    TILE_N: tl.constexpr, TILE_K: tl.constexpr, TILE_C: tl.constexpr,
) -> None:  # fmt: skip
    """The output at one tile of positions, all channels."""
    b = tl.program_id(1).to(tl.int64)
    n = (tl.program_id(0) * TILE_N + tl.arange(0, TILE_N)).to(tl.int64)
    k = tl.arange(0, TILE_K)
    features, matrix = x_pointer + b * step_b, key_values + b * keys * channels
    z = _product(features, n, positions, step_n, step_c, weight, k, keys, channels, TILE_N, TILE_K, TILE_C)
    phi = _softplus(z + tl.load(bias + k, mask=k < keys, other=0.0).to(tl.float32)[None, :])
    phi = tl.where(k[None, :] < keys, phi, 0.0)
    quotient = tl.sum(phi * tl.load(denominator + b * keys + k, mask=k < keys, other=0.0)[None, :], 1)
    scaled = phi * (tl.load(gate).to(tl.float32) / quotient)[:, None]
    for start in range(0, channels, TILE_C):
        c = start + tl.arange(0, TILE_C)
        x = _tile(features, n, c, positions, channels, step_n, step_c)
        tile = tl.dot(scaled.to(x.dtype), _rows(matrix, k, c, keys, channels, x.dtype), input_precision="ieee")
        within = (n[:, None] < positions) & (c[None, :] < channels)
        tl.store(out + b * out_b + n[:, None] * out_n + c[None, :] * out_c, x + tile, mask=within)


@triton.jit
def attend_backward(
    x_pointer, weight, bias, gate, denominator, key_values, of_out, of_x, of_queries, scaled_out, shares,
    positions, channels, keys, step_b, step_c, step_n, grad_b, grad_c, grad_n, out_b, out_c, out_n,
    TILE_N: tl.constexpr, TILE_K: tl.constexpr, TILE_C: tl.constexpr,
) -> None:  # fmt: skip
    """The gradients of the features, and of the queries before softplus; and what the sums over positions are of."""
    b = tl.program_id(1).to(tl.int64)
    n = (tl.program_id(0) * TILE_N + tl.arange(0, TILE_N)).to(tl.int64)
    k = tl.arange(0, TILE_K)
    features, matrix, of_output = x_pointer + b * step_b, key_values + b * keys * channels, of_out + b * grad_b
    z = _product(features, n, positions, step_n, step_c, weight, k, keys, channels, TILE_N, TILE_K, TILE_C)
    z += tl.load(bias + k, mask=k < keys, other=0.0).to(tl.float32)[None, :]
    phi = tl.where(k[None, :] < keys, _softplus(z), 0.0)
    weights = tl.load(denominator + b * keys + k, mask=k < keys, other=0.0)[None, :]
    quotient = tl.sum(phi * weights, 1)
    g = tl.load(gate).to(tl.float32)
    seen = _product(of_output, n, positions, grad_n, grad_c, matrix, k, keys, channels, TILE_N, TILE_K, TILE_C)
    share = tl.sum(phi * seen, 1) / quotient
    gradient = (seen - share[:, None] * weights) * (g / quotient)[:, None] * tl.sigmoid(z)
    gradient = gradient.to(of_x.dtype.element_ty)
    tl.store(shares + b * positions + n, share, mask=n < positions)
    inside = (n[:, None] < positions) & (k[None, :] < keys)
    row = (b * positions + n[:, None]) * keys + k[None, :]
    tl.store(of_queries + row, gradient, mask=inside)
    tl.store(scaled_out + row, phi * (g / quotient)[:, None], mask=inside)
    for start in range(0, channels, TILE_C):
        c = start + tl.arange(0, TILE_C)
        tile = tl.dot(gradient, _rows(weight, k, c, keys, channels, gradient.dtype), input_precision="ieee")
        tile += _tile(of_output, n, c, positions, channels, grad_n, grad_c)
        within = (n[:, None] < positions) & (c[None, :] < channels)
        tl.store(of_x + b * out_b + n[:, None] * out_n + c[None, :] * out_c, tile, mask=within)
