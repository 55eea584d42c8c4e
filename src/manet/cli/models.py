"""`manet models`: the trained networks that come with manet."""

from manet.cli.console import console


def models() -> None:
    """List the released models: what each of them maps, and from which imagery."""
    from manet.card import read_card
    from manet.released import released
    from manet.runtime.cache import cache_folder, size_of

    found = released()
    for name, path in found.items():
        card = read_card(path)
        ground = f" at {card.gsd_m:.2g} m" if card.gsd_m else ""
        console.print(
            f"{name:<{max(map(len, found))}}  {', '.join(card.legend.names)}; {', '.join(card.bands)}{ground}; "
            f"{path.stat().st_size / 1e6:.1f} MB; see {path.with_suffix('.md')}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    folder = cache_folder()
    if folder is not None and folder.is_dir():
        console.print(
            f"\ncompiled models: {size_of(folder) / 1e6:.0f} MB in {folder} (MANET_CACHE=off: none are kept)",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    console.print("\nuse: manet predict --model NAME YOUR_IMAGE.tif --out MAP.tif", highlight=False)
