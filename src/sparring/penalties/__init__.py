from typing import Protocol
class Penalty(Protocol):
    pass
class GradientPenalty: 
    every: int = 1
    side = "real"
class LogitPenalty: pass
class Constraint(Protocol): pass
