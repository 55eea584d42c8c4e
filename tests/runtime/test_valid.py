"""Which pixels count, as every runtime takes it."""

from typing import Any

import numpy as np
import pytest

import manet
from manet.errors import NetworkError
from manet.runtime.choose import RuntimeName


@pytest.mark.parametrize("kind", ["torch", "openvino", "onnxruntime"])
def test_valid_is_the_same_as_floating_point_bool_or_bytes(kind: RuntimeName) -> None:
    runtime = manet.load("town", runtime=kind).runtime
    images = np.random.default_rng(0).integers(0, 256, (1, 3, 64, 96)).astype(np.float32)
    valid = np.ones((1, 1, 64, 96), np.float32)
    valid[..., 20:, :30] = 0
    expected = runtime.whole(images, valid)
    features = runtime.encode(images, valid)
    summaries = runtime.summarise(features, valid)
    assert abs(expected - runtime.whole(images)).max() > 1e-3
    for same in (valid > 0, valid.astype(np.uint8), valid.astype(np.uint8) * np.uint8(255)):
        np.testing.assert_allclose(runtime.whole(images, same), expected, rtol=1e-5, atol=1e-5)
        for got, wanted in zip(runtime.encode(images, same), features, strict=True):
            np.testing.assert_allclose(np.asarray(got), np.asarray(wanted), rtol=1e-5, atol=1e-5)
        for got, wanted in zip(runtime.summarise(features, same), summaries, strict=True):
            for a, b in zip(got, wanted, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    wrongs: list[tuple[Any, str]] = [(valid[0], r"expected \(1, 1, 64, 96\)"), (valid.astype(np.int64), "int64")]
    for wrong, message in wrongs:
        for call in (
            lambda wrong=wrong: runtime.whole(images, wrong),
            lambda wrong=wrong: runtime.encode(images, wrong),
            lambda wrong=wrong: runtime.summarise(features, wrong),
        ):
            with pytest.raises(NetworkError, match=message):
                call()
