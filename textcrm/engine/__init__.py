"""The one place where all stages meet.

The stages know each other only by the record types; the engine hands the records on, and maps what was found in the
cleaned text back to the text as received.
"""

from textcrm.engine.clock import StageClock
from textcrm.engine.engine import Engine
from textcrm.engine.line import Line

__all__ = ["Engine", "Line", "StageClock"]
