"""Small lang directories, and their language models."""

from __future__ import annotations

from pathlib import Path

from lexicon.files import write_json, write_lines
from lexicon.lang import Lang, load_lang

# A joke after pyctcdecode's: the sounds say "bunny bunny", the language knows that it was Bugs Bunny.
BUGS_ARPA = """\\data\\
ngram 1=5
ngram 2=4

\\1-grams:
-99\t<s>\t0
-1.0\t</s>
-3.0\t<unk>
-2.0\tBUGS\t0
-2.0\tBUNNY\t0

\\2-grams:
-0.1\t<s> BUGS
-3.0\t<s> BUNNY
-0.1\tBUGS BUNNY
-0.1\tBUNNY </s>

\\end\\
"""


PHONE_ARPA = "\\data\\\nngram 1=4\n\n\\1-grams:\n-99\t<s>\n-0.5\t</s>\n-0.5\t<unk>\n-0.5\tP\n\n\\end\\\n"


def unigram_arpa(log10: dict[str, float]) -> str:
    """Words that do not depend on each other; one bigram that changes nothing, for KenLM takes no unigrams alone."""
    words = "".join(f"{p}\t{word}\t0\n" for word, p in log10.items())
    first, p = next(iter(log10.items()))
    return (
        f"\\data\\\nngram 1={len(log10) + 3}\nngram 2=1\n\n"
        f"\\1-grams:\n-99\t<s>\t0\n-0.4\t</s>\n-2\t<unk>\t0\n{words}\n"
        f"\\2-grams:\n{p}\t<s> {first}\n\n\\end\\\n"
    )


def make_lang(path: Path, lexicon: list[str], arpa: str) -> Lang:
    phones = sorted({phone for line in lexicon for phone in line.split()[2:]})
    words = sorted({line.split()[0] for line in lexicon})
    path.mkdir()
    for name in ("lexicon", "reference_lexicon"):
        write_lines(path / f"{name}.txt", sorted(lexicon))
    for name, symbols in (("phones", ["<eps>", "SIL", *phones]), ("words", ["<eps>", *words, "<s>", "</s>", "#0"])):
        write_lines(path / f"{name}.txt", [f"{symbol} {i}" for i, symbol in enumerate(symbols)])
    write_lines(path / "tokens.txt", ["<blk>", *phones])
    (path / "lm.arpa").write_text(arpa)
    (path / "phone_lm.arpa").write_text(PHONE_ARPA)
    write_json(path / "lang.json", {})
    return load_lang(path)
