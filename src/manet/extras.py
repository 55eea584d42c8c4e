"""Packages that not every installation has, and how to get them."""

from importlib.util import find_spec

from manet.errors import MissingPackageError

EXTRA_OF = {
    "torch": "train",
    "torchvision": "train",
    "timm": "train",
    "lightning": "train",
    "onnx": "train",
    "onnxruntime": "onnx",
    "openvino": "",
    "tensorboard": "tensorboard",
}
"""The extra of manet that brings each package; none where manet brings it by itself."""


def is_installed(package: str) -> bool:
    """Whether a package can be imported."""
    return find_spec(package) is not None


def require(package: str) -> None:
    """Raises MissingPackageError if a package is not installed."""
    if not is_installed(package):
        raise missing(package)


def missing(package: str) -> MissingPackageError:
    """The error that says how to install a package."""
    extra = EXTRA_OF.get(package)
    command = f"pip install 'manet[{extra}]'" if extra else f"pip install {package}"
    return MissingPackageError(f"this needs {package}, which is not installed; install it with: {command}")


def explained(error: ModuleNotFoundError) -> Exception:
    """The error that says how to install what could not be imported; the error itself if manet does not know it."""
    package = (error.name or "").partition(".")[0]
    return missing(package) if package in EXTRA_OF else error
