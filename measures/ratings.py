"""Who wins against whom: Elo and Bradley-Terry ratings from pairwise comparisons.

Elo (1978) goes through the games in order and forgets slowly; Bradley-Terry (1952) takes them all
at once, so that order does not matter and intervals make sense. Both are given on Elo's scale: 400
points are odds of ten to one.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from measures.statistics import RESAMPLES, SEED, Floats

Player = TypeVar("Player", bound=Hashable)

START = 1_000.0
SCALE = 400.0
K_FACTOR = 16.0
# Each pair that met is credited with this many extra draws: without them, a player who never lost
# would be infinitely better.
PRIOR_GAMES = 0.2
# What Jeffreys' prior adds to the wins of each side: after one game nearly everything is possible.
JEFFREYS = 0.5
MAX_ROUNDS = 100
MAX_STEP = 2.0
TOLERANCE = 1e-9
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Game(Generic[Player]):
    """``result`` is 1 when ``first`` won, 0 when ``second`` did, 0.5 for a tie."""

    first: Player
    second: Player
    result: float

    def __post_init__(self) -> None:
        if self.result not in (0, 0.5, 1) or self.first == self.second:
            raise ValueError(f"no game: {self}")


@dataclass(frozen=True, slots=True)
class Rating(Generic[Player]):
    """A rating on Elo's scale with its interval, and how many games it rests on."""

    player: Player
    value: float
    low: float
    high: float
    games: int


def rate_elo(games: Sequence[Game[Player]], *, k: float = K_FACTOR) -> dict[Player, float]:
    """Rate in the order of the games: r += k (result - expected), starting at 1000."""
    ratings: dict[Player, float] = {}
    for game in games:
        first, second = ratings.get(game.first, START), ratings.get(game.second, START)
        change = k * (game.result - expected_result(first, second))
        ratings[game.first], ratings[game.second] = first + change, second - change
    return ratings


def expected_result(first: float, second: float) -> float:
    """Chance that the first wins, given both ratings."""
    return 1 / (1 + math.pow(10, (second - first) / SCALE))


def rate_bradley_terry(
    games: Sequence[Game[Player]],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES // 10,
    seed: int = SEED,
) -> list[Rating[Player]]:
    """Rate by maximum likelihood, best first, with intervals that few games leave wide.

    P(i beats j) = p_i / (p_i + p_j); a tie is half a win for each. Players who never met, even
    through others, cannot be compared: each group then has the mean 1000.

    Resampling one game always gives that game, and an interval without width. Instead each pair's
    wins are drawn from the Gamma distribution of its wins and Jeffreys' prior, and the ratings
    fitted to that: the Bayesian bootstrap with a prior (Rubin, 1981; Newton and Raftery, 1994).
    For two players it is the exact posterior: P(i beats j) ~ Beta(wins + 1/2, losses + 1/2).
    """
    players = list(dict.fromkeys(p for game in games for p in (game.first, game.second)))
    if not players:
        return []
    place = {player: index for index, player in enumerate(players)}
    first = np.array([place[game.first] for game in games])
    second = np.array([place[game.second] for game in games])
    result = np.array([game.result for game in games], np.float64)
    size = len(players)
    met = _count(first, second, np.ones(len(games)), size)
    prior = np.where(met + met.T > 0, PRIOR_GAMES / 2, 0.0)
    ratings = _fit(_wins(first, second, result, size) + prior)
    generator = np.random.default_rng(seed)
    shape = _wins(first, second, result, size) + np.where(met + met.T > 0, JEFFREYS, 0.0)
    drawn = np.maximum(generator.standard_gamma(shape, (resamples, size, size)), TINY)
    tables = np.where(shape > 0, drawn, 0.0)
    tail = (1 - confidence) / 2
    low, high = np.quantile(_fit(tables), [tail, 1 - tail], axis=0)
    played = (met + met.T).sum(axis=1)
    rated = [
        Rating(
            player,
            float(ratings[i]),
            float(min(low[i], ratings[i])),
            float(max(high[i], ratings[i])),
            int(played[i]),
        )
        for i, player in enumerate(players)
    ]
    return sorted(rated, key=lambda rating: -rating.value)


def fit_strengths(wins: Floats) -> Floats:
    """Maximum-likelihood strengths, log scale, mean 0 in each group of players that met.

    ``wins[..., i, j]`` is how often i beat j; leading axes are fitted side by side. Newton's method
    on the concave log-likelihood: a few rounds, where the usual fixed point takes hundreds. In
    every group somebody must have lost to somebody else whichever way it is split.
    """
    meetings = wins + np.swapaxes(wins, -1, -2)
    size = wins.shape[-1]
    groups = _groups(meetings.reshape(-1, size, size).max(axis=0) > 0)
    # The likelihood knows differences only: this holds each group's mean where it is.
    anchor = np.zeros((size, size))
    for group in groups:
        anchor[np.ix_(group, group)] = 1.0
    strength = np.zeros(wins.shape[:-1])
    for _ in range(MAX_ROUNDS):
        chance = 1 / (1 + np.exp(strength[..., None, :] - strength[..., :, None]))
        slope = (wins - meetings * chance).sum(axis=-1)
        bend = meetings * chance * (1 - chance)
        hessian = bend.sum(axis=-1)[..., None] * np.eye(size) - bend + anchor
        step = np.linalg.solve(hessian, slope[..., None])[..., 0]
        strength = strength + np.clip(step, -MAX_STEP, MAX_STEP)
        if np.abs(step).max(initial=0) < TOLERANCE:
            break
    for group in groups:
        strength[..., group] -= strength[..., group].mean(axis=-1, keepdims=True)
    return strength


def _fit(wins: Floats) -> Floats:
    return START + SCALE / math.log(10) * fit_strengths(wins)


def _wins(first: NDArray[np.int64], second: NDArray[np.int64], result: Floats, size: int) -> Floats:
    return _count(first, second, result, size) + _count(second, first, 1 - result, size)


def _count(rows: NDArray[np.int64], columns: NDArray[np.int64], what: Floats, size: int) -> Floats:
    table = np.zeros((size, size))
    np.add.at(table, (rows, columns), what)
    return table


def _groups(met: NDArray[np.bool_]) -> list[list[int]]:
    left, groups = set(range(len(met))), []
    while left:
        group, border = set(), [left.pop()]
        while border:
            member = border.pop()
            group.add(member)
            near = {int(i) for i in np.flatnonzero(met[member])} & left
            left -= near
            border += near
        groups.append(sorted(group))
    return groups
