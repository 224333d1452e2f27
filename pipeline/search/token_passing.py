"""Token passing (Young et al. 1989) through a graph, and the lattice of what it kept (Povey et al. 2012), compiled by
numba on first use and kept.

A token is the cost of the best path to a state after so many rows of scores. Those within the beam of a row's best are
kept, 12 bytes each, and no links between them: the way back, from the end, finds these again among the arcs that come
into a state, and only of the few tokens that lie within the lattice beam. So a lattice costs hardly more than the best
path alone. Costs are negative natural logarithms.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import boolean, float32, float64, int32, int64, njit, types
from numba.core.types import Array

INTS, NUMBERS, COSTS, SINGLE = (Array(kind, 1, "C") for kind in (int32, int64, float64, float32))
TABLE, SWITCHES = Array(float32, 2, "C"), Array(boolean, 1, "C")


class Arcs(NamedTuple):
    """The arcs of a graph by their source: of state s those that take a row are ``first[s]`` to ``middle[s]``, and
    those that take none from there to ``first[s + 1]``. ``into[enter[s] : enter[s + 1]]`` are those that come into s.
    ``final`` (states,): the cost of ending, infinite where no path may end. ``label`` 0 takes no row."""

    first: np.ndarray
    middle: np.ndarray
    enter: np.ndarray
    into: np.ndarray
    source: np.ndarray
    target: np.ndarray
    label: np.ndarray
    word: np.ndarray
    column: np.ndarray
    cost: np.ndarray
    final: np.ndarray


class Tokens(NamedTuple):
    """``state`` and ``cost`` of tokens; those after t rows are ``begins[t]`` to ``begins[t + 1]``. ``where`` (states,)
    is for looking up the last token of a state."""

    state: np.ndarray
    cost: np.ndarray
    begins: np.ndarray
    where: np.ndarray


ARCS = types.NamedTuple(
    (NUMBERS, NUMBERS, NUMBERS, INTS, INTS, INTS, INTS, INTS, INTS, SINGLE, COSTS),
    Arcs,
)
TOKENS = types.NamedTuple((INTS, COSTS, NUMBERS, NUMBERS), Tokens)


@njit(types.void(ARCS, TOKENS, int64, int64, float64, INTS, SWITCHES, int64), cache=True, nogil=True)
def _without_rows(arcs, tokens, begin, end, cutoff, stack, waiting, t):
    """Add to the tokens begin ... end of a row those that arcs without a row lead to."""
    state, cost, begins, where = tokens
    size = 0
    for i in range(end - 1, begin - 1, -1):
        s = state[i]
        if arcs.middle[s] < arcs.first[s + 1]:
            stack[size], waiting[s] = s, True
            size += 1
    while size:
        size -= 1
        s = stack[size]
        waiting[s] = False
        so_far = cost[where[s]]
        for a in range(arcs.middle[s], arcs.first[s + 1]):
            total, there = so_far + arcs.cost[a], arcs.target[a]
            if total >= cutoff:
                continue
            if where[there] < begin:
                where[there] = end
                state[end], cost[end] = there, total
                end += 1
            elif total < cost[where[there]]:
                cost[where[there]] = total
            else:
                continue
            if not waiting[there] and arcs.middle[there] < arcs.first[there + 1]:
                stack[size], waiting[there] = there, True
                size += 1
    begins[t + 1] = end


@njit(types.void(ARCS, TOKENS, int64, float64, INTS, SWITCHES), cache=True, nogil=True)
def begin_at(arcs, tokens, start, beam, stack, waiting):
    """The tokens before the first row."""
    tokens.state[0], tokens.cost[0], tokens.where[start], tokens.begins[0] = start, 0.0, 0, 0
    _without_rows(arcs, tokens, 0, 1, beam, stack, waiting, 0)


@njit(int64(ARCS, TOKENS, TABLE, int64, float64, INTS, SWITCHES), cache=True, nogil=True)
def advance(arcs, tokens, scores, t, beam, stack, waiting):
    """Pass the tokens after ``t`` rows on through further rows of ``scores`` (T, columns). Returns the number of rows
    after which there is no room for a token in every state, or else T."""
    state, cost, begins, where = tokens
    while t < len(scores):
        begin, end = begins[t], begins[t + 1]
        if end + len(where) > len(state):
            return t
        row = scores[t]
        best, cutoff, n = begin, np.inf, end
        for i in range(begin, end):
            if cost[i] < cost[best]:
                best = i
        if begin < end:  # what follows the best is near the best that follows
            s = state[best]
            for a in range(arcs.first[s], arcs.middle[s]):
                cutoff = min(cutoff, (cost[best] + arcs.cost[a]) - row[arcs.column[a]] + beam)
        for i in range(begin, end):
            s, so_far = state[i], cost[i]
            for a in range(arcs.first[s], arcs.middle[s]):
                total = (so_far + arcs.cost[a]) - row[arcs.column[a]]
                if total >= cutoff:
                    continue
                cutoff = min(cutoff, total + beam)
                there = arcs.target[a]
                if where[there] < end:
                    where[there] = n
                    state[n], cost[n] = there, total
                    n += 1
                elif total < cost[where[there]]:
                    cost[where[there]] = total
        kept = end
        for i in range(end, n):
            s = state[i]
            if cost[i] < cutoff:
                state[kept], cost[kept], where[s] = s, cost[i], kept
                kept += 1
            else:
                where[s] = -1
        t += 1
        _without_rows(arcs, tokens, end, kept, cutoff, stack, waiting, t)
    return t


@njit(types.Tuple((int64, INTS, INTS, INTS))(ARCS, TOKENS, TABLE, float64, COSTS, int64), cache=True, nogil=True)
def way_back(arcs, tokens, scores, beam, beyond, most):
    """What lies within ``beam`` of the best. ``beyond`` holds of each token how much worse than the best its best path
    is: given of those after the last row, infinite for others, found for all. Returns the number of links between
    tokens within the beam, and of these (source, target, arc), later ones first; of more than ``most`` none, and then
    the tokens before them have not been seen."""
    state, cost, begins, where = tokens
    sources, targets, taken = np.empty(1024, np.int32), np.empty(1024, np.int32), np.empty(1024, np.int32)
    stack, n = [0], 0
    stack.pop()
    for t in range(len(scores), -1, -1):
        begin, end = begins[t], begins[t + 1]
        for i in range(begin, end):
            where[state[i]] = i
            if beyond[i] <= beam:
                stack.append(i)
        while len(stack):
            i = stack.pop()
            for e in range(arcs.enter[state[i]], arcs.enter[state[i] + 1]):
                a = arcs.into[e]
                k = where[arcs.source[a]]
                if arcs.label[a] == 0 and begin <= k < end and state[k] == arcs.source[a]:
                    more = (cost[k] + arcs.cost[a]) - cost[i] + beyond[i]
                    if more <= beam and more < beyond[k]:
                        beyond[k] = more
                        stack.append(k)
        for rows in range(2 if t > 0 else 1):
            if rows:
                begin, end = begins[t - 1], begins[t]
                for i in range(begin, end):
                    where[state[i]] = i
            for i in range(begins[t], begins[t + 1]):
                if beyond[i] > beam:
                    continue
                for e in range(arcs.enter[state[i]], arcs.enter[state[i] + 1]):
                    a = arcs.into[e]
                    k = where[arcs.source[a]]
                    if (arcs.label[a] != 0) != (rows == 1) or not begin <= k < end or state[k] != arcs.source[a]:
                        continue
                    total = cost[k] + arcs.cost[a]
                    if rows:
                        total -= scores[t - 1, arcs.column[a]]
                    more = total - cost[i] + beyond[i]
                    if more > beam:
                        continue
                    beyond[k] = min(beyond[k], more)
                    if n == most:
                        return n + 1, sources, targets, taken
                    if n == len(sources):
                        sources = np.concatenate((sources, sources))
                        targets = np.concatenate((targets, targets))
                        taken = np.concatenate((taken, taken))
                    sources[n], targets[n], taken[n] = k, i, a
                    n += 1
    return n, sources[:n].copy(), targets[:n].copy(), taken[:n].copy()


@njit(int64(TOKENS, int64, COSTS, float64), cache=True, nogil=True)
def forget(tokens, rows, beyond, beam):
    """Drop the tokens after fewer than ``rows`` rows that are not within ``beam``; returns how many are left."""
    state, cost, begins, where = tokens
    where[:] = -1
    n = 0
    for t in range(rows + 1):
        begin, end = begins[t], begins[t + 1]
        begins[t] = n
        for i in range(begin, end):
            if t == rows or beyond[i] <= beam:
                state[n], cost[n] = state[i], cost[i]
                if t == rows:
                    where[state[n]] = n
                n += 1
    begins[rows + 1] = n
    return n


@njit(INTS(ARCS, TOKENS, TABLE, int64), cache=True, nogil=True)
def best_arcs(arcs, tokens, scores, last):
    """The arcs of the best path to the token ``last`` after all rows, in order; of equals the first of a state."""
    state, cost, begins, where = tokens
    path, t, i = [int32(0)], len(scores), last
    path.pop()
    set_rows = -1
    while i > 0:
        for rows in (0, 1):
            before = t - rows
            if before < 0:
                continue
            begin, end, least, best, chosen = begins[before], begins[before + 1], np.inf, -1, -1
            if set_rows != before:
                for k in range(begin, end):
                    where[state[k]] = k
                set_rows = before
            for e in range(arcs.enter[state[i]], arcs.enter[state[i] + 1]):
                a = arcs.into[e]
                k = where[arcs.source[a]]
                if (arcs.label[a] != 0) == (rows == 1) and begin <= k < end and state[k] == arcs.source[a]:
                    total = cost[k] + arcs.cost[a]
                    if rows:
                        total -= scores[t - 1, arcs.column[a]]
                    if total < least:
                        least, best, chosen = total, k, a
            if best >= 0 and least <= cost[i]:
                path.append(int32(chosen))
                i, t = best, before
                break
        else:
            break
    found = np.empty(len(path), np.int32)
    for n in range(len(path)):
        found[n] = path[len(path) - 1 - n]
    return found
