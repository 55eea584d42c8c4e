"""Reports: one page about runs and evaluations, made from their folders only."""

from manet.report.record import record_evaluation, record_run
from manet.report.write import write_report

__all__ = ["record_evaluation", "record_run", "write_report"]
