"""Plain data, standard library only: what a run is made of.

Every view, table and store is a function of a `Run`; nothing here knows where
the data came from or how it is shown.
"""

from aimon_nb.model.call import Message, ModelCall
from aimon_nb.model.cost import Cost, CostState
from aimon_nb.model.run import Run, RunStatus, Totals
from aimon_nb.model.span import Frame, Span, SpanStatus
from aimon_nb.model.usage import Usage

__all__ = [
    "Cost",
    "CostState",
    "Frame",
    "Message",
    "ModelCall",
    "Run",
    "RunStatus",
    "Span",
    "SpanStatus",
    "Totals",
    "Usage",
]
