"""A lattice of rows cut into phones: arcs become whole phones, with the best way through each phone's states. Compiled
by numba on first use and kept.

States are 0 ... S - 1 in the order of their rows, 0 the start; S stands for the end. Links are sorted by source; those
of state s are ``first[s]`` to ``first[s + 1]``. One that enters a phone has its label in ``entry``, others 0. A string
of words is a number: that of a cell of its first word and the string of the rest, 0 the empty string.
"""

from __future__ import annotations

import numpy as np
from numba import boolean, float64, int32, int64, njit, types
from numba.core.types import Array

INTS, COSTS, NUMBERS, SWITCHES = (Array(kind, 1, "C") for kind in (int32, float64, int64, boolean))


@njit(int64(int64, int64, INTS, INTS, INTS, INTS, NUMBERS), cache=True, nogil=True)
def _string(word, rest, cell_word, cell_rest, cell_before, last_of_word, size):
    """The number of the string ``word``, ``rest``. Cells of one word are a chain."""
    cell = last_of_word[word]
    while cell:
        if cell_rest[cell] == rest:
            return cell
        cell = cell_before[cell]
    cell = size[0]
    cell_word[cell], cell_rest[cell], cell_before[cell] = word, rest, last_of_word[word]
    last_of_word[word] = cell
    size[0] += 1
    return cell


@njit(INTS(INTS, int64), cache=True, nogil=True)
def _more_ints(array, size):
    found = np.zeros(size, np.int32)
    found[: len(array)] = array
    return found


@njit(COSTS(COSTS, int64), cache=True, nogil=True)
def _more_costs(array, size):
    found = np.zeros(size)
    found[: len(array)] = array
    return found


@njit(types.Tuple((INTS, INTS))(NUMBERS, INTS, INTS), cache=True, nogil=True)
def _order(first, target, entry):
    """The states, each after those that links within a phone lead to; and 1 for each in which a phone may begin."""
    states = len(first) - 1
    order, done, opens = np.empty(states, np.int32), np.zeros(states, np.bool_), np.zeros(states, np.int32)
    stack, n = np.empty(len(target) + states + 1, np.int32), 0
    for last in range(states - 1, -1, -1):
        stack[0], size = last, 1
        while size:
            s = stack[size - 1]
            before = size
            if not done[s]:
                for a in range(first[s], first[s + 1]):
                    if entry[a]:
                        opens[s] = 1
                    elif not done[target[a]]:
                        stack[size] = target[a]
                        size += 1
            if size == before:
                size -= 1
                if not done[s]:
                    done[s] = True
                    order[n] = s
                    n += 1
    return order, opens


@njit(
    types.Tuple((INTS, INTS, INTS, INTS, COSTS, COSTS, INTS, INTS))(
        NUMBERS, INTS, INTS, INTS, COSTS, COSTS, COSTS, float64, int64
    ),
    cache=True,
    nogil=True,
)
def phone_arcs(first, target, entry, word, cost, acoustic, final, scale, num_words):
    """The phones (source, target, entry label, words, acoustic, graph cost), by source, each the best of its kind; and
    the cells of the strings, (word, rest).

    ``cost``, ``acoustic`` of links, ``final`` of states (infinite: no end). From each state where a phone may begin the
    ways go on within the phone until they meet states where the next may begin, or the end. Each string of words on it
    counts for itself: homophones that the grammar then treats alike come to the same states.
    """
    states = len(final)
    order, opens = _order(first, target, entry)
    cell_word, cell_rest, cell_before = np.zeros(1024, np.int32), np.zeros(1024, np.int32), np.zeros(1024, np.int32)
    last_of_word, cells = np.zeros(num_words + 1, np.int32), np.ones(1, np.int64)
    # Ways on from a state: where they end, with which words, graph cost, acoustic score; others with this end before.
    way_end, way_words, way_before = np.empty(1024, np.int32), np.empty(1024, np.int32), np.empty(1024, np.int32)
    way_cost, way_acoustic, n = np.empty(1024), np.empty(1024), 0
    begins, ends, latest = np.zeros(states, np.int64), np.zeros(states, np.int64), np.full(states + 1, -1, np.int32)
    for s in order:
        room = 2
        for a in range(first[s], first[s + 1]):
            if not entry[a]:
                room += ends[target[a]] - begins[target[a]]
        if n + room > len(way_end):
            size = 2 * (n + room)
            way_end, way_words, way_before = (
                _more_ints(way_end, size),
                _more_ints(way_words, size),
                _more_ints(way_before, size),
            )
            way_cost, way_acoustic = _more_costs(way_cost, size), _more_costs(way_acoustic, size)
        if cells[0] + room > len(cell_word):
            size = 2 * (cells[0] + room)
            cell_word, cell_rest, cell_before = (
                _more_ints(cell_word, size),
                _more_ints(cell_rest, size),
                _more_ints(cell_before, size),
            )
        begins[s] = n
        if opens[s]:
            way_end[n], way_words[n], way_before[n], way_cost[n], way_acoustic[n] = s, 0, -1, 0.0, 0.0
            latest[s] = n
            n += 1
        if final[s] < np.inf:
            way_end[n], way_words[n], way_before[n], way_cost[n], way_acoustic[n] = states, 0, -1, final[s], 0.0
            latest[states] = n
            n += 1
        for a in range(first[s], first[s + 1]):
            if entry[a]:
                continue
            for w in range(begins[target[a]], ends[target[a]]):
                words, end = int64(way_words[w]), way_end[w]
                if word[a]:
                    words = _string(word[a], words, cell_word, cell_rest, cell_before, last_of_word, cells)
                here, sound = cost[a] + way_cost[w], acoustic[a] + way_acoustic[w]
                k = latest[end]
                while k >= begins[s] and way_words[k] != words:
                    k = way_before[k]
                if k < begins[s]:
                    way_end[n], way_words[n], way_cost[n], way_acoustic[n] = end, words, here, sound
                    way_before[n] = latest[end] if latest[end] >= begins[s] else -1
                    latest[end] = n
                    n += 1
                elif way_cost[k] - scale * way_acoustic[k] > here - scale * sound:
                    way_cost[k], way_acoustic[k] = here, sound
        ends[s] = n
    # From the start also what links without rows lead to before the first phone: (state, cost, word, way before).
    opening = [(int64(0), 0.0, int64(0), int64(0))]
    num_openings = 0
    while num_openings < len(opening):
        s, so_far, _, _ = opening[num_openings]
        for a in range(first[s], first[s + 1]):
            if not entry[a]:
                opening.append((int64(target[a]), so_far + cost[a], int64(word[a]), int64(num_openings)))
        num_openings += 1
    source, into, label, words_of = (
        np.empty(1024, np.int32),
        np.empty(1024, np.int32),
        np.empty(1024, np.int32),
        np.empty(1024, np.int32),
    )
    sounds, costs, before_it, m = np.empty(1024), np.empty(1024), np.empty(1024, np.int32), 0
    reached, newest = np.zeros(states + 1, np.bool_), np.full(states + 1, -1, np.int32)
    reached[0] = True
    for origin in range(states):
        if not reached[origin]:
            continue
        begin = m
        for o in range(len(opening) if origin == 0 else 1):
            s, so_far = (opening[o][0], opening[o][1]) if origin == 0 else (int64(origin), 0.0)
            for a in range(first[s], first[s + 1]):
                if not entry[a]:
                    continue
                room = ends[target[a]] - begins[target[a]]
                if m + room > len(source):
                    size = 2 * (m + room)
                    source, into, label, words_of, before_it = (
                        _more_ints(source, size),
                        _more_ints(into, size),
                        _more_ints(label, size),
                        _more_ints(words_of, size),
                        _more_ints(before_it, size),
                    )
                    sounds, costs = _more_costs(sounds, size), _more_costs(costs, size)
                most = room * (num_openings + 1)  # strings that may be new: of each way with what was said before
                if cells[0] + most > len(cell_word):
                    size = 2 * (cells[0] + most)
                    cell_word, cell_rest, cell_before = (
                        _more_ints(cell_word, size),
                        _more_ints(cell_rest, size),
                        _more_ints(cell_before, size),
                    )
                for w in range(begins[target[a]], ends[target[a]]):
                    words, end = int64(way_words[w]), way_end[w]
                    if word[a]:
                        words = _string(word[a], words, cell_word, cell_rest, cell_before, last_of_word, cells)
                    back = int64(o if origin == 0 else 0)
                    while back:
                        if opening[back][2]:
                            words = _string(
                                opening[back][2], words, cell_word, cell_rest, cell_before, last_of_word, cells
                            )
                        back = opening[back][3]
                    here, sound = so_far + cost[a] + way_cost[w], acoustic[a] + way_acoustic[w]
                    k = newest[end]
                    while k >= begin and (words_of[k] != words or label[k] != entry[a]):
                        k = before_it[k]
                    if k < begin:
                        source[m], into[m], label[m], words_of[m] = origin, end, entry[a], words
                        sounds[m], costs[m] = sound, here
                        before_it[m] = newest[end] if newest[end] >= begin else -1
                        newest[end], reached[end] = m, True
                        m += 1
                    elif costs[k] - scale * sounds[k] > here - scale * sound:
                        sounds[k], costs[k] = sound, here
    return (
        source[:m].copy(),
        into[:m].copy(),
        label[:m].copy(),
        words_of[:m].copy(),
        sounds[:m].copy(),
        costs[:m].copy(),
        cell_word[: cells[0]].copy(),
        cell_rest[: cells[0]].copy(),
    )
