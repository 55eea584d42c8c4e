"""An assessment in words: tables, the sentence for a paper, and the references; for the screen and for pages."""

import math
from collections.abc import Sequence

from manet.assessment.accuracy import Assessment, ClassAccuracy
from manet.assessment.quantity import Estimate, quantile
from manet.tables import TextTable

HECTARE_M2 = 10_000.0

OLOFSSON = (
    "Olofsson, P., Foody, G. M., Herold, M., Stehman, S. V., Woodcock, C. E., Wulder, M. A. (2014). Good practices for "
    "estimating area and assessing accuracy of land change. Remote Sensing of Environment 148, 42-57."
)
STEHMAN = (
    "Stehman, S. V. (2014). Estimating area and map accuracy for stratified random sampling when the strata are "
    "different from the map classes. International Journal of Remote Sensing 35, 4923-4939."
)
STEHMAN_FOODY = (
    "Stehman, S. V., Foody, G. M. (2019). Key issues in rigorous accuracy assessment of land cover products. Remote "
    "Sensing of Environment 231, 111199."
)
COCHRAN = "Cochran, W. G. (1977). Sampling techniques, 3rd edition. Wiley, New York."
SARNDAL = "Särndal, C.-E., Swensson, B., Wretman, J. (1992). Model assisted survey sampling. Springer, New York."

FRANCO = (
    "Franco, C., Little, R. J. A., Louis, T. A., Slud, E. V. (2019). Comparative study of confidence intervals for "
    "proportions in complex sample surveys. Journal of Survey Statistics and Methodology 7, 334-364."
)

REFERENCES = (COCHRAN, FRANCO, OLOFSSON, SARNDAL, STEHMAN, STEHMAN_FOODY)

ALL_AGREE = "all agree"
"""In place of an interval: nothing that was sampled differs, so its width is unknown."""


def accuracy_table(assessment: Assessment) -> TextTable:
    """User's and producer's accuracy of each class, and the overall accuracy, in percent."""
    rows = [(c.name, percent(c.users), percent(c.producers)) for c in assessment.classes]
    rows.append(("overall accuracy", percent(assessment.overall), ""))
    notes = (
        "User's accuracy: the share of the mapped class that is right; producer's accuracy: the share of the class "
        "that is mapped.",
    )
    return TextTable("Accuracy, % (95 % interval)", ("class", "user's accuracy", "producer's accuracy"), rows, notes)


def area_table(assessment: Assessment) -> TextTable:
    """The estimated area of each class beside the mapped one."""
    on_earth = assessment.surface_m2 is not None
    columns = ["class", "share %", *(["area m2", "area ha", "mapped ha"] if on_earth else []), "mapped share %"]
    rows = [(c.name, percent(c.share), *_ground(c), f"{100 * c.mapped_share:.2f}") for c in assessment.classes]
    notes = ("Mapped areas are counts of the map's pixels; classification errors bias them.",)
    return TextTable("Estimated area ± 95 % interval", tuple(columns), rows, notes)


def matrix_tables(assessment: Assessment) -> list[TextTable]:
    """The error matrix in counts, and in estimated shares of all ground, %; only classes that occur."""
    counts, shares = assessment.counts, assessment.shares
    used = [i for i in range(len(counts)) if sum(counts[i]) or sum(row[i] for row in counts)]
    names = [c.name for c in assessment.classes]
    columns = ("mapped \\ reference", *(names[i] for i in used), "sum")
    tables: list[TextTable] = []
    for title, matrix, digits, factor in (
        ("Error matrix, counts", counts, 0, 1),
        ("Error matrix, estimated share of the ground, %", shares, 2, 100),
    ):
        rows = [
            (names[i], *(f"{factor * v:.{digits}f}" for v in [*(matrix[i][j] for j in used), sum(matrix[i])]))
            for i in used
        ]
        sums = [sum(matrix[i][j] for i in used) for j in used]
        rows.append(("sum", *(f"{factor * v:.{digits}f}" for v in [*sums, sum(sums)])))
        tables.append(TextTable(title, columns, rows))
    return tables


def strata_table(assessment: Assessment) -> TextTable:
    """How the sample is distributed."""
    rows = [(s.name, str(s.units), f"{100 * s.share:.2f}") for s in assessment.strata]
    return TextTable(f"Sample: {assessment.design}", ("stratum", "units", "share of the ground %"), rows)


def transition_table(assessment: Assessment) -> TextTable | None:
    """The change of each class between two dates; None if the map is not one of changes."""
    if not assessment.transitions:
        return None
    rows = [(t.name, percent(t.before), percent(t.after), percent(t.change)) for t in assessment.transitions]
    return TextTable(
        "Share of the ground before and after, % ± 95 % interval", ("class", "before", "after", "change"), rows
    )


def change_matrix(assessment: Assessment) -> TextTable | None:
    """The estimated area of every transition, from class to class; None if the map is not one of changes."""
    names = [t.name for t in assessment.transitions]
    if not names:
        return None
    on_earth = assessment.surface_m2 is not None
    rows = [
        (
            name,
            *(
                _hectares(c.area_m2) if c.area_m2 is not None else percent(c.share)
                for c in assessment.classes[i * len(names) : (i + 1) * len(names)]
            ),
        )
        for i, name in enumerate(names)
    ]
    return TextTable(f"Change, {'ha' if on_earth else '%'} ± 95 % interval", ("before \\ after", *names), rows)


def all_tables(assessment: Assessment) -> list[TextTable]:
    """Every table, in the order of a report."""
    more = (change_matrix(assessment), transition_table(assessment))
    return [
        accuracy_table(assessment),
        area_table(assessment),
        *(table for table in more if table is not None),
        *matrix_tables(assessment),
        strata_table(assessment),
    ]


def sentence(assessment: Assessment) -> str:
    """What a paper says of the map."""
    overall = assessment.overall
    units = "blocks" if "blocks" in assessment.design else "clusters" if "clusters" in assessment.design else "points"
    between = (
        ""
        if overall.low is None or overall.high is None
        else (f" (95 % confidence interval {100 * overall.low:.2f} to {100 * overall.high:.2f} %)")
    )
    parts = [
        f"From {assessment.units} {units} ({assessment.design}), the overall accuracy of the map is estimated as "
        f"{100 * overall.value:.2f} %{between}."
    ]
    areas = [
        f"{c.name} {_hectares(c.area_m2)} ha" if c.area_m2 is not None else f"{c.name} {percent(c.share)} %"
        for c in assessment.classes
        if c.share.value > 0
    ]
    parts.append(f"The estimated areas with 95 % confidence intervals are: {', '.join(areas)}.")
    estimator = (
        "a difference estimator with the variance between units" if units != "points" else ("stratified estimators")
    )
    parts.append(f"They were estimated with {estimator} (Olofsson et al. 2014; Stehman 2014).")
    return " ".join(parts)


def markdown(assessment: Assessment, figure: str | None = None) -> str:
    """The whole report; figure: the name of the picture beside it."""
    lines = ["# Accuracy and areas", "", sentence(assessment), ""]
    lines += [f"- {note}" for note in assessment.notes] + ([""] if assessment.notes else [])
    lines += ["", f"![Mapped and estimated areas]({figure})", ""] if figure else []
    for table in all_tables(assessment):
        lines += table.markdown()
    lines += [about_intervals(assessment), ""]
    lines += ["## References", "", *(f"- {reference}" for reference in REFERENCES)]
    return "\n".join(lines) + "\n"


def about_intervals(assessment: Assessment) -> str:
    """What the intervals are."""
    t = f", of the t distribution with {assessment.degrees:.0f} degrees of freedom" if _has_t(assessment) else ""
    return (
        f"Intervals of areas reach {quantile(assessment.degrees):.3f} standard errors to each side{t}; those of "
        "accuracies are Wilson's. Where all sampled units agree, and nothing says how sure that is, there is none."
    )


def _has_t(assessment: Assessment) -> bool:
    """Whether intervals are those of a t distribution, as for blocks and clusters."""
    return math.isfinite(assessment.degrees)


def percent(estimate: Estimate | None) -> str:
    """An estimated share with its interval, in percent; a dash if it is undefined."""
    return "-" if estimate is None else _with_interval(estimate.times(100), 2)


def _hectares(estimate: Estimate) -> str:
    hectares = estimate.times(1 / HECTARE_M2)
    return _with_interval(hectares, 0 if hectares.value >= 1000 else 2 if hectares.value >= 1 else 4)


def _ground(c: ClassAccuracy) -> Sequence[str]:
    if c.area_m2 is None or c.mapped_m2 is None:
        return ()
    hectares = _hectares(c.area_m2)
    digits = len(hectares.split(" ")[0].partition(".")[2])
    return _with_interval(c.area_m2, 0), hectares, f"{c.mapped_m2 / HECTARE_M2:,.{digits}f}"


def _with_interval(estimate: Estimate, digits: int) -> str:
    """A value with its interval, as value ± reach, or with both ends where it is cut off."""
    value = f"{estimate.value:,.{digits}f}"
    if estimate.low is None or estimate.high is None:
        return f"{value} ({ALL_AGREE})"
    above, below = estimate.high - estimate.value, estimate.value - estimate.low
    if abs(above - below) > 10**-digits / 2:
        return f"{value} ({estimate.low:,.{digits}f} to {estimate.high:,.{digits}f})"
    return f"{value} ± {above:,.{digits}f}"
