"""One move of D, one move of G, one round: the only place where gradients are made."""

from sparring.steps.match import Match, Turn, Verdict, average, pack
from sparring.steps.moves import Readings, network_of, play, read
from sparring.steps.player import Player, inference
from sparring.steps.sharing import BOTH, Alone, Sharing, Side

__all__ = [
    "BOTH",
    "Alone",
    "Match",
    "Player",
    "Readings",
    "Sharing",
    "Side",
    "Turn",
    "Verdict",
    "average",
    "inference",
    "network_of",
    "pack",
    "play",
    "read",
]
