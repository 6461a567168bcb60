"""
What is measured while records stream by, in bounded memory.

Shares of fields, correlation ids, times and skew, gaps, error spikes.
"""

from soc2ev.logs.measures.fields import Correlation, Fields
from soc2ev.logs.measures.sketch import Distinct, Quantiles
from soc2ev.logs.measures.timeline import Span, Spike, Timeline
from soc2ev.logs.measures.times import Times

__all__ = ["Correlation", "Distinct", "Fields", "Quantiles", "Span", "Spike", "Timeline", "Times"]
