"""How systems are told apart: each has a colour and a mark of its own. Every picture takes both from here.

The hues are those of Okabe and Ito (2008). Their sky blue, orange and yellow are too pale on white paper. So each tone
was moved until it has a contrast of at least 3 to the ground (WCAG 2.2, 1.4.11), and until any two of them lie as far
apart as they can, for full colour vision and for protanopia, deuteranopia and tritanopia (Machado et al. 2009).
"""

from __future__ import annotations

GROUNDS = {"light": "#fffefb", "dark": "#1a1c1f"}
# blue, orange, green, purple, sky blue, yellow, vermilion, and the colour of the text
COLOURS = {
    "light": ("#15407c", "#c2882d", "#00836d", "#f3229a", "#0198ff", "#816700", "#82270d", "#24221e"),
    "dark": ("#138ad7", "#e58a00", "#0fbd7b", "#ff97c0", "#3dceff", "#c9d616", "#9d5c3d", "#e8e4da"),
}
NUM_COLOURS = len(COLOURS["light"])
# CSS shapes that a small square is cut to.
MARKS = {
    "circle": "circle(50%)",
    "square": "inset(8%)",
    "triangle": "polygon(50% 0, 100% 96%, 0 96%)",
    "diamond": "polygon(50% -8%, 108% 50%, 50% 108%, -8% 50%)",
    "cross": "polygon(34% 0, 66% 0, 66% 34%, 100% 34%, 100% 66%, 66% 66%, 66% 100%, 34% 100%,"
    " 34% 66%, 0 66%, 0 34%, 34% 34%)",
}
DISTINCT = NUM_COLOURS * len(MARKS)  # so many systems look different: 8 and 5 have no common divisor


def look(number: int) -> tuple[int, str]:
    """The number of a system's colour and the name of its mark. Neighbours differ in both."""
    return number % NUM_COLOURS, list(MARKS)[number % len(MARKS)]
