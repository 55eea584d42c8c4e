"""The costs of modules and networks: counted, then measured in one run, then laid out in tables."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from manet.networks import NETWORKS
from manet.paper.bench_machine import machine_line
from manet.paper.complexity.counting import RULES
from manet.paper.complexity.measuring import METHOD, Measurable, Measured, measure
from manet.paper.complexity.modules import ASPP_NOTE, MODULES, ModuleCase, ModuleRow, count_module
from manet.paper.complexity.networks import NetworkCase, NetworkRow, count_network
from manet.paper.complexity.sizes import FORMS, SIZES, SizeCase, SizeRow, count_size, ratios
from manet.progress import QUIET, Progress
from manet.tables import TextTable, short

Row = TypeVar("Row", ModuleRow, SizeRow, NetworkRow)


@dataclass(frozen=True)
class CostReport:
    """The rows of Table VIII, of Fig. 5 and of the whole networks."""

    modules: list[ModuleRow]
    sizes: list[SizeRow]
    networks: list[NetworkRow]
    machine: str | None = None
    """What it was measured on; None if it was only counted."""

    def as_json(self) -> dict[str, Any]:
        """Everything, with the rules, as JSON values."""
        at = {f"{size} x {size}": ratios(size) for size in SIZES}
        return {"rules": RULES, "method": METHOD, "aspp": ASPP_NOTE, "ratios": at} | asdict(self)


def count_all(progress: Progress = QUIET) -> CostReport:
    """Count everything; nothing is measured.

    Args:
        progress: Is told of every module and network.
    """
    total = len(MODULES) + len(NETWORKS)
    modules: list[ModuleRow] = []
    for done, name in enumerate(MODULES, 1):
        modules.append(count_module(name))
        progress.count("counting", done, total)
    networks: list[NetworkRow] = []
    for done, name in enumerate(NETWORKS, len(MODULES) + 1):
        networks += count_network(name)
        progress.count("counting", done, total)
    return CostReport(modules, [count_size(form, size) for size in SIZES for form in FORMS], networks)


def measure_all(report: CostReport, rounds: int, progress: Progress = QUIET) -> CostReport:
    """The report with time and memory of everything that is feasible.

    Args:
        report: What was counted.
        rounds: How often everything is measured, at least 1.
        progress: Is told of every pass.
    """
    sizes = [SizeCase(row.form, row.size) for row in report.sizes]
    cases: list[Measurable] = [
        *(ModuleCase(row.name) for row in report.modules),
        *(case for case in sizes if case.feasible),
        *(NetworkCase(row.name, row.size) for row in report.networks),
    ]
    found = dict(zip(cases, measure(cases, rounds, progress), strict=True))
    return CostReport(
        _with(report.modules, [found[ModuleCase(row.name)] for row in report.modules]),
        _with(report.sizes, [found.get(SizeCase(row.form, row.size)) for row in report.sizes]),
        _with(report.networks, [found[NetworkCase(row.name, row.size)] for row in report.networks]),
        machine_line(),
    )


def _with(rows: Sequence[Row], measured: Sequence[Measured | None]) -> list[Row]:
    return [replace(row, measured=one) for row, one in zip(rows, measured, strict=True)]


def tables(report: CostReport) -> list[TextTable]:
    """Table VIII, the two tables of Fig. 5, and that of the networks."""
    return [_modules(report), _sizes(report), _ratios(), _networks(report)]


def _modules(report: CostReport) -> TextTable:
    rows = [
        (
            row.name,
            f"{row.parameters / 1e6:.3f}",
            f"{row.printed.parameters_m:.1f}",
            f"{row.counts.modules_only / 1e9:.1f}",
            f"{row.printed.gmac:.1f}",
            f"{row.counts.with_products / 1e9:.1f}",
            f"{row.computed / 1e9:.1f}",
            *_measured(row.measured),
            f"{row.printed.memory_mb:.0f}",
        )
        for row in report.modules
    ]
    columns = (
        *("module", "params M", "printed M", "modules only GMAC", "printed G", "with products GMAC"),
        *("run here GMAC", "time s", "peak MB", "printed MB"),
    )
    notes = (
        "Run here: what manet computes, with V folded into the sums, by the rule with products.",
        ASPP_NOTE,
        "The printed memory is that of the layers' outputs (SE: two maps of 2048 x 128 x 128 in float32, 256 MiB).",
    )
    return TextTable("Table VIII: each module at 1 x 2048 x 128 x 128", columns, rows, notes)


def _sizes(report: CostReport) -> TextTable:
    rows = [
        (
            f"{row.size}²",
            row.form,
            short(row.cost.products),
            short(row.cost.macs),
            short(row.printed_macs),
            short(row.cost.bytes),
            short(row.printed_bytes),
            *_measured(row.measured),
        )
        for row in report.sizes
    ]
    columns = (
        *("input", "attention", "products MAC", "with projections MAC", "printed MAC"),
        *("computed B", "printed B", "time s", "peak MB"),
    )
    notes = (
        "Dot product: Eq. 1 to 4, the N x N matrix written out. Fused: the same function by torch's "
        "scaled_dot_product_attention(scale=1), which needs no N x N memory, so the paper's N x N is no longer the "
        "best that dot-product attention can do; its time stays quadratic. Kernel: Eq. 11 in the authors' order. "
        "Folded: as everywhere in manet.",
        "Computed bytes: Q, K, V, the output and the matrix between them, float32; a softmax that keeps its input "
        "needs the N x N matrix twice. A '-' in the measured columns: not run, because it needs more than 4 GiB or "
        "10^12 multiply-accumulates.",
        "The printed figures mix rules: 829 G is operations of the products (2 N^2 (Dk + Dv), about), 585 M exceeds "
        "4 N Dk Dv by an unexplained 48 M.",
    )
    return TextTable("Fig. 5: attention without the network, D = Dv = 2 Dk = 64, by input size", columns, rows, notes)


def _ratios() -> TextTable:
    rows = [(f"{size}²", *(f"{ratio:.0f}" for ratio in ratios(size))) for size in SIZES]
    columns = ("input", "products only", "with the projections")
    notes = ("Rule with products. The paper prints 89 at 64 x 64 and 1417 at 256 x 256.",)
    return TextTable("Fig. 5: multiply-accumulates, dot-product over kernel attention", columns, rows, notes)


def _networks(report: CostReport) -> TextTable:
    rows = [
        (
            row.name,
            f"{row.size}²",
            f"{row.parameters / 1e6:.2f}",
            f"{row.counts.modules_only / 1e9:.1f}",
            f"{row.counts.with_products / 1e9:.1f}",
            f"{row.computed / 1e9:.1f}",
            *_measured(row.measured),
        )
        for row in sorted(report.networks, key=lambda row: row.size)
    ]
    columns = (
        *("network", "image", "params M", "modules only GMAC", "with products GMAC", "run here GMAC"),
        *("time s", "peak MB"),
    )
    return TextTable("Whole networks on ResNet-50, 3 bands, 6 classes", columns, rows)


def _measured(measured: Measured | None) -> tuple[str, str]:
    if measured is None:
        return "-", "-"
    peak = "-" if measured.peak_bytes is None else f"{measured.peak_bytes / 1e6:.1f}"
    return f"{measured.seconds:.3g}", peak
