"""Checkpoints: one safetensors file with the weights, and the card in its metadata. Loading runs no code."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise

from manet.card import METADATA, Card, read_card
from manet.errors import CheckpointError
from manet.files import replacing
from manet.networks import Network, build


def write_checkpoint(path: Path, network: Network, card: Card, overwrite: bool = False, *, half: bool = False) -> None:
    """Write a network and its card.

    Args:
        path: File, .safetensors.
        network: Its weights and band statistics are written.
        card: What it was made from.
        overwrite: Replace a file that is there.
        half: Floating-point weights in 16 bits, which `read_checkpoint` widens again.

    Raises:
        OutputError: `path` exists and is not to be replaced, or cannot be written.
        CheckpointError: A weight is beyond what 16 bits hold.
    """
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    if half:
        weights = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
        for name, tensor in weights.items():
            if not tensor.isfinite().all():
                raise CheckpointError(f"{name} has values beyond 65504, which half precision cannot hold; keep float32")
    with replacing(path, overwrite) as partial:  # safetensors' own file would be its owner's alone
        partial.write_bytes(serialise(weights, metadata={METADATA: card.model_dump_json()}))


def read_checkpoint(path: str | Path) -> tuple[Network, Card]:
    """A network in evaluation mode with its weights and band statistics, and its card.

    Raises:
        CheckpointError: The file is missing (CheckpointNotFoundError), corrupt, or does not hold the network that its
            card names.
    """
    card = read_card(path)
    settings = card.recipe.network
    network = build(settings.name, encoder=settings.encoder, bands=len(card.bands), classes=len(card.legend))
    try:
        with safe_open(path, framework="pt") as file:
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path} does not hold the weights of its network ({reason}); get it again") from error
    for name, tensor in network.state_dict().items():
        if not tensor.isfinite().all():
            raise CheckpointError(
                f"{path} has values in {name} that are no numbers, so it maps nothing; train it again"
            )
    return network.eval().to(memory_format=torch.channels_last), card
