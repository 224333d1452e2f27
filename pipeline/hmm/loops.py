"""Forward-backward and Viterbi over a `Graph`, state by state, compiled by numba on first use and kept.

Tables of frames x states are kept for a block of frames at a time; of the blocks before it only the first frame is
kept, and they are computed again when the way back comes to them. So an utterance of T frames and S states takes the
memory of S times the square root of T, not of T: ten minutes of speech, which took 14 GB, take less than one.

`forward_backward` is exact whatever the scores. `scaled_forward_backward` gives the same sums many times as fast, and
is asked first: probabilities themselves, each frame's divided by their sum (Rabiner 1989, eq. 91), and only of states
to which some path leads that is not UNLIKELY beside the others there. Where such paths come to no end it says so.

Arcs are given by state: those of state s are ``offset[s]`` to ``offset[s + 1]``. ``scores`` (T, n) are log densities,
of which state s reads ``column[s]``.
"""

from __future__ import annotations

import numpy as np
from numba import float32, float64, int32, int64, njit, types
from numba.core.types import Array

from pipeline.hmm.topology import LOG_ZERO

IMPOSSIBLE = LOG_ZERO / 2
NEGLIGIBLE = -30.0  # log posterior below which a state at a time is not counted
NEGLIGIBLE_SHARE = 1e-13  # the same, not as a logarithm
NOTHING = -40.0  # what is so much less likely than another way changes no digit of their sum
UNLIKELY = 1e-100  # the share of a frame's paths (230 nats; HTK prunes at 250) below which a state is given up

ROW, TABLE, NUMBERS = Array(float64, 1, "C"), Array(float64, 2, "C"), Array(int64, 1, "C")
ARCS = (NUMBERS, NUMBERS, ROW)


@njit([types.void(Array(kind, 2, "C"), NUMBERS, float64, TABLE) for kind in (float32, float64)], cache=True, nogil=True)
def log_sums(scores, bounds, nothing, out):
    """Log of the sum of e^scores (T, g) over each stretch of columns between two ``bounds`` (n + 1,), to ``out``
    (T, n); what is ``nothing`` less than the greatest is left out."""
    for t in range(len(scores)):
        for p in range(len(bounds) - 1):
            best = scores[t, bounds[p]]
            for g in range(bounds[p] + 1, bounds[p + 1]):
                best = max(best, scores[t, g])
            total = 0.0
            for g in range(bounds[p], bounds[p + 1]):
                less = scores[t, g] - best
                if less > nothing:
                    total += np.exp(less)
            out[t, p] = best + np.log(total)


@njit(
    types.Tuple((TABLE, float64, ROW))(TABLE, NUMBERS, ROW, ROW, *ARCS, NUMBERS, NUMBERS, int64, int64),
    cache=True,
    nogil=True,
)
def scaled_forward_backward(
    scores, column, start, final, out_offset, target, out_weight, out_id, final_id, num_ids, cells
):
    """As `forward_backward`; ``start``, ``final`` and ``out_weight`` are probabilities. The likelihood is LOG_ZERO if
    no path was followed to the end, or more than ``cells`` states at a time: then ask the other."""
    frames, states = len(scores), len(column)
    occupancy, counts = np.zeros(scores.shape), np.zeros(num_ids)
    # Of frame t the states lows[t], ... have alpha and density in kept[begins[t] : begins[t + 1]].
    kept, begins, lows = np.empty((cells, 2)), np.zeros(frames + 1, np.int64), np.zeros(frames, np.int64)
    before, now, total = np.zeros(states), start.copy(), 0.0
    low, high = 0, states
    for t in range(frames):  # forward
        if t > 0:
            before, now = now, before
            first, last, low, high = low, high, states, 0
            for s in range(first, last):
                if before[s] > 0:
                    for a in range(out_offset[s], out_offset[s + 1]):
                        now[target[a]] += before[s] * out_weight[a]
                        low, high = min(low, target[a]), max(high, target[a] + 1)
                    before[s] = 0.0
        if begins[t] + high - low > cells:
            return occupancy, LOG_ZERO, counts
        best = -np.inf
        for s in range(low, high):
            if now[s] > 0:
                best = max(best, scores[t, column[s]])
        sum_of_frame = 0.0
        for s in range(low, high):
            if now[s] > 0:
                density = np.exp(scores[t, column[s]] - best)
                kept[begins[t] + s - low, 1] = density
                now[s] *= density
                sum_of_frame += now[s]
        if not sum_of_frame > 0.0:
            return occupancy, LOG_ZERO, counts
        total += best + np.log(sum_of_frame)
        for s in range(low, high):
            now[s] = now[s] / sum_of_frame if now[s] > UNLIKELY * sum_of_frame else 0.0
            kept[begins[t] + s - low, 0] = now[s]
            kept[begins[t] + s - low, 1] /= sum_of_frame
        lows[t], begins[t + 1] = low, begins[t] + high - low
        while now[low] == 0.0:
            low += 1
        while now[high - 1] == 0.0:
            high -= 1
    ends = 0.0
    for s in range(low, high):
        ends += now[s] * final[s]
    if not ends > 0.0:
        return occupancy, LOG_ZERO, counts
    ahead, beta = np.zeros(states), np.zeros(states)  # ahead: the share of the next frame and all behind it
    for t in range(frames - 1, -1, -1):  # and back
        for i in range(begins[t], begins[t + 1]):
            s, alpha = lows[t] + i - begins[t], kept[i, 0]
            if alpha == 0.0:
                continue
            beta[s] = final[s] / ends if t + 1 == frames else 0.0
            if t + 1 < frames:
                for a in range(out_offset[s], out_offset[s + 1]):
                    share = out_weight[a] * ahead[target[a]]
                    beta[s] += share
                    if out_id[a] >= 0 and alpha * share > NEGLIGIBLE_SHARE:
                        counts[out_id[a]] += alpha * share
            share = alpha * beta[s]
            if share > NEGLIGIBLE_SHARE:
                occupancy[t, column[s]] += share
                if t + 1 == frames and final_id[s] >= 0:
                    counts[final_id[s]] += share
        if t + 1 < frames:
            ahead[lows[t + 1] : lows[t + 1] + begins[t + 2] - begins[t + 1]] = 0.0
        for i in range(begins[t], begins[t + 1]):
            if kept[i, 0] > 0.0:
                ahead[lows[t] + i - begins[t]] = beta[lows[t] + i - begins[t]] * kept[i, 1]
    return occupancy, total + np.log(ends), counts


@njit(types.void(ROW, *ARCS, ROW), cache=True, nogil=True)
def _sum_over_arcs(values, offset, other, weight, out):
    """Log of the sum over the arcs of each state of e^(weight + value of the state at the other end)."""
    for s in range(len(out)):
        best = LOG_ZERO
        for a in range(offset[s], offset[s + 1]):
            best = max(best, values[other[a]] + weight[a])
        if best < IMPOSSIBLE:
            out[s] = LOG_ZERO
            continue
        total = 0.0
        for a in range(offset[s], offset[s + 1]):
            less = values[other[a]] + weight[a] - best
            if less == 0.0:
                total += 1.0
            elif less > NOTHING:
                total += np.exp(less)
        out[s] = best + np.log(total) if total != 1.0 else best


@njit(types.void(TABLE, int64, NUMBERS, *ARCS, ROW, ROW), cache=True, nogil=True)
def _forward_step(scores, t, column, offset, source, weight, before, now):
    """Of the log probabilities of all paths to each state at t - 1 those at t, the state's own score counted in."""
    _sum_over_arcs(before, offset, source, weight, now)
    for s in range(len(now)):
        now[s] += scores[t, column[s]]


@njit(
    types.Tuple((TABLE, float64, ROW))(TABLE, NUMBERS, ROW, ROW, *ARCS, *ARCS, NUMBERS, NUMBERS, int64, int64),
    cache=True,
    nogil=True,
)
def forward_backward(
    scores,
    column,
    start,
    final,
    in_offset,
    source,
    in_weight,
    out_offset,
    target,
    out_weight,
    out_id,
    final_id,
    num_ids,
    block,
):
    """(occupancy (T, n) of the columns, log likelihood, expected counts (num_ids,) of the transitions). Where there
    is no path the likelihood is below IMPOSSIBLE and nothing is counted."""
    frames, states = len(scores), len(column)
    blocks = -(-frames // block)
    first, alpha = np.empty((blocks, states)), np.empty((min(block, frames), states))
    occupancy, counts = np.zeros(scores.shape), np.zeros(num_ids)
    for s in range(states):
        first[0, s] = start[s] + scores[0, column[s]]
    size = 0
    for b in range(blocks):
        size = min(block, frames - b * block)
        alpha[0] = first[b]
        for i in range(1, size):
            _forward_step(scores, b * block + i, column, in_offset, source, in_weight, alpha[i - 1], alpha[i])
        if b + 1 < blocks:
            _forward_step(scores, (b + 1) * block, column, in_offset, source, in_weight, alpha[size - 1], first[b + 1])
    best = LOG_ZERO
    for s in range(states):
        best = max(best, alpha[size - 1, s] + final[s])
    if best < IMPOSSIBLE:
        return occupancy, best, counts
    total = 0.0
    for s in range(states):
        total += np.exp(alpha[size - 1, s] + final[s] - best)
    total = best + np.log(total)
    beta, ahead = final.copy(), np.empty(states)  # ahead: the log score of the next frame and all behind it
    alive, alive_next = np.zeros(states, np.bool_), np.zeros(states, np.bool_)
    for b in range(blocks - 1, -1, -1):
        if b + 1 < blocks:
            size = block
            alpha[0] = first[b]
            for i in range(1, size):
                _forward_step(scores, b * block + i, column, in_offset, source, in_weight, alpha[i - 1], alpha[i])
        for i in range(size - 1, -1, -1):
            t = b * block + i
            if t + 1 < frames:
                for s in range(states):
                    ahead[s] = scores[t + 1, column[s]] + beta[s]
                _sum_over_arcs(ahead, out_offset, target, out_weight, beta)
            alive, alive_next = alive_next, alive
            for s in range(states):
                share = alpha[i, s] + beta[s] - total
                alive[s] = share > NEGLIGIBLE
                if not alive[s]:
                    continue
                occupancy[t, column[s]] += np.exp(min(share, 0.0))
                if t + 1 == frames:
                    continue
                for a in range(out_offset[s], out_offset[s + 1]):
                    if out_id[a] >= 0 and alive_next[target[a]]:
                        counts[out_id[a]] += np.exp(alpha[i, s] + out_weight[a] + ahead[target[a]] - total)
            if t + 1 == frames:
                for s in range(states):
                    if final_id[s] >= 0:
                        counts[final_id[s]] += np.exp(alpha[i, s] + final[s] - total)
    return occupancy, total, counts


@njit(types.void(TABLE, int64, NUMBERS, *ARCS, ROW, ROW, Array(int32, 1, "C")), cache=True, nogil=True)
def _best_step(scores, t, column, offset, source, weight, before, now, origin):
    """The same as `_forward_step` of the best path alone, and the state it comes from; of equals the first arc's."""
    for s in range(len(now)):
        best, where = -np.inf, 0
        for a in range(offset[s], offset[s + 1]):
            value = before[source[a]] + weight[a]
            if value > best:
                best, where = value, source[a]
        now[s], origin[s] = max(best, LOG_ZERO) + scores[t, column[s]], where


@njit(types.Tuple((NUMBERS, float64))(TABLE, NUMBERS, ROW, ROW, *ARCS, int64), cache=True, nogil=True)
def best_path(scores, column, start, final, offset, source, weight, block):
    """(the states of the best path (T,), its log likelihood: below IMPOSSIBLE if there is none)."""
    frames, states = len(scores), len(column)
    blocks = -(-frames // block)
    first, origin = np.empty((blocks, states)), np.zeros((min(block, frames) + 1, states), np.int32)
    path, score, now = np.zeros(frames, np.int64), np.empty(states), np.empty(states)
    for s in range(states):
        score[s] = start[s] + scores[0, column[s]]
    total, state = -np.inf, 0
    for t in range(1, frames + 1):  # there
        if (t - 1) % block == 0:
            first[(t - 1) // block] = score
        if t < frames:
            _best_step(scores, t, column, offset, source, weight, score, now, origin[0])
            score, now = now, score
    for s in range(states):
        if score[s] + final[s] > total:
            total, state = score[s] + final[s], s
    path[frames - 1] = state
    for b in range(blocks - 1, -1, -1):  # and back
        score[:] = first[b]
        last = min((b + 1) * block, frames - 1)
        for t in range(b * block + 1, last + 1):
            _best_step(scores, t, column, offset, source, weight, score, now, origin[t - b * block])
            score, now = now, score
        for t in range(last, b * block, -1):
            state = origin[t - b * block, state]
            path[t - 1] = state
    return path, total
