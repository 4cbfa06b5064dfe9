"""Microphones and loudspeakers of every kind, behind `parts.Source` and `parts.Sink`.

Rule: a device says what is wrong with it (DeviceError, `lost`) and never mends itself: who opened it does.
`lost` is called on the event loop, at most once for each `open`.
"""
