"""All the targets, by name.

Rule: whoever runs one of them imports its module alone; what is not imported need not be instrumented.
"""

from tests.fuzz.target import Target
from tests.fuzz.targets import house, messages, model, sessions, subtitles, text, wire

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (wire, messages, sessions, model, text, subtitles, house)
    for target in module.TARGETS
}
