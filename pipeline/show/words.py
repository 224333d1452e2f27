"""What text alone gives: how each word may be said, and how probable the words are one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lexicon.dictionary import Pronunciation
from lexicon.errors import UserError
from lexicon.ngram import BEGIN, END, NATURAL, NGram
from lexicon.phones import SILENT, PhoneSet, ipa_of
from pipeline.draw.chart import counted, level, note, numbers, table, wrap
from pipeline.show.place import Place, Shown

NAMES = {1: "unigram", 2: "bigram", 3: "trigram"}
FARTHEST = 6.0  # log10: what is no more probable than a millionth has an empty bar


def lexicon(place: Place) -> Shown:
    """Each word's pronunciations with those that were said, and the log probability of each word after those before
    it."""
    lang, words = place.lang, place.utterance.words
    info = lang.info
    lines = [place.title("lexicon: how the words may be said, and how probable they are"), ""]
    lines += wrap("in", [f"{counted(len(words), 'word')}:", *words])
    lines += wrap(
        "out",
        [
            f"lexicon: {counted(len(lang.lexicon), 'word')},",
            f"{counted(sum(map(len, lang.lexicon.values())), 'pronunciation')},",
            f"{len(lang.phones) - 1} phones, each with its IPA sign;",
            f"{info.get('vocab', 'closed')} vocabulary;",
            f"language model: {NAMES.get(lang.lm.order, f'{lang.lm.order}-gram')} of the training text",
        ],
    )
    return Shown([*lines, "", *_pronunciations(place), "", *_probabilities(lang.lm, words)])


def ipa(phones: Sequence[str], phone_set: PhoneSet) -> str:
    """The phones in IPA, a phone without a sign by its name."""
    return "".join(ipa_of(phone, phone_set) for phone in phones)


def _pronunciations(place: Place) -> list[str]:
    """A line for each variant of each word; how often each was said, where that is known."""
    lang, said = place.lang, _said(place)
    rows = []
    for word in dict.fromkeys(place.utterance.words):
        inside = word in lang.lexicon
        if word not in lang.reference_lexicon:
            raise UserError(
                f'{lang.path / "reference_lexicon.txt"}: "{word}", a word of the text, is not there; remove'
                f" {lang.path / 'lang.json'} and run make again"
            )
        for number, (prob, phones) in enumerate(lang.reference_lexicon[word]):
            times, of = said[word, phones], place.utterance.words.count(word)
            spoken = "" if not times else "said" if of == 1 else f"said {times} of {of} times"
            rows.append(
                [
                    word if not number else "",
                    f"{prob:.2f}",
                    " ".join(phones),
                    f"/{ipa(phones, place.phone_set)}/",
                    spoken,
                    "" if inside or number else "not in the vocabulary",
                ]
            )
    head = ["<word", "prob", "<phones", "<IPA", "<by the alignment" if said else "<", "<"]
    return [
        *table(head, rows),
        *note(
            "prob: of the variant, the likeliest one of a word 1; the search adds its logarithm to the language score"
        ),
    ]


def _said(place: Place) -> Counter[tuple[str, Pronunciation]]:
    """How often each word was said with which phones, by the alignment of the known text; empty where there is none."""
    phones = [phone for phone in place.aligned("phones") if phone.label not in SILENT]
    return Counter(
        (word.label, tuple(phone.label for phone in phones if word.start - 1e-3 <= phone.start < word.end - 1e-3))
        for word in place.aligned("words")
    )


def _probabilities(lm: NGram, words: Sequence[str]) -> list[str]:
    """A line for each word and the end: log10 p(word | words before), and on which n-gram it stands."""
    padded, rows, total = (BEGIN, *words, END), [], 0.0
    for i in range(1, len(padded)):
        history = padded[max(0, i - lm.order + 1) : i]
        score = lm.score(history, padded[i])
        total += score
        rows.append(
            [padded[i], *numbers([score]), _one_in(score), level(1 + score / FARTHEST), _ground(lm, history, padded[i])]
        )
    head = ["<word", "log10 p", "one in", "<", "<counted in training"]
    perplexity = 10 ** (-total / (len(padded) - 1))
    return [
        *table(head, rows),
        *note(
            f"together {total:.2f} (log10), {total * NATURAL:.2f} (natural log);"
            f" perplexity {perplexity:.1f}: as hard to guess as one of {perplexity:.0f}"
            " equally likely words each time"
        ),
    ]


def _one_in(log10_prob: float) -> str:
    return f"{10**-log10_prob:,.0f}" if log10_prob > -12 else "-"


def _ground(lm: NGram, history: Sequence[str], word: str) -> str:
    """The longest n-gram that the model has of this word after this history."""
    if (word,) not in lm.logprob:
        return "never: not in the vocabulary, scored as an unknown word"
    longer: tuple[str, ...] = ()
    ngram: tuple[str, ...] = (*history, word)
    while ngram not in lm.logprob:
        ngram, longer = ngram[1:], ngram
    unseen = f"; {' '.join(longer)} unseen" if longer else ""
    return f"{NAMES.get(len(ngram), f'{len(ngram)}-gram')} {' '.join(ngram)}{unseen}"
