"""What people write: any script, capitals, figures, punctuation, brackets; the same words through every door."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from lhotse import Recording, RecordingSet, SupervisionSegment, SupervisionSet
from praatio import textgrid

from bring import RATE, folder_of, noise, said, words_of
from lexicon.errors import UserError
from lexicon.given import read_given, written_with
from lexicon.letters import composed
from lexicon.text import read_text
from lexicon.written import Written
from pipeline.align.text import written_in
from pipeline.compare.score import align_all, total
from pipeline.corpora import own

GERMAN = (
    "die d iː\nMaße m aː s ə\nMasse m a s ə\nStraße ʃ t ʁ aː s ə\nund ʊ n t\nist ɪ s t\nHund h ʊ n t\ngroß ɡ ʁ oː s\n"
)
TURKISH = "ılık ɯ l ɯ k\nilik i l i k\nistanbul i s t a n b u l\nve v e\n"
TURKISH_CAPITALS = "ILIK ɯ l ɯ k\nİLİK i l i k\nİSTANBUL i s t a n b u l\nVE v e\n"
FRENCH = (
    "l' l\nécole e k ɔ l\npeut-être p ø t ɛ t ʁ\naujourd'hui o ʒ u ʁ d ɥ i\nà a\nc' s\nest ɛ\nvu v y\ndéjà d e ʒ a\n"
)
SIGNS = "ka: k a\nba: b a\nto t o\nth- t\nma' m a\n'ap a p\nbe b e\n"
THAI = "ภาษา p a\nไทย t a\nสวัสดี s a\n"
PERSIAN = "می‌روم m i\nکتاب‌ها k e\n"
HINDI = "नमस्ते n ə\nदुनिया d u\n"
ENGLISH = "HELLO HH AH L OW\nTHREE TH R IY\nDOGS D AO G Z\nTHE DH AH\n[NOISE] NSN\n<UNK> SPN\n!SIL SIL\n[UM] AH M\n"
KATAKANA = "カタカナ k a\n東京 t o\n"

# the lexicon (None: the English dictionary), what is written, the words
TEXTS = [
    # letters keep their marks
    (None, "नमस्ते दुनिया", "नमस्ते दुनिया"),
    (HINDI, "नमस्ते, दुनिया।", "नमस्ते दुनिया"),
    (None, unicodedata.normalize("NFD", "déjà vu"), "DÉJÀ VU"),
    (FRENCH, unicodedata.normalize("NFD", "Déjà vu!"), "déjà vu"),
    (None, "שָׁלוֹם עוֹלָם", "שָׁלוֹם עוֹלָם"),
    (None, "مَرْحَبًا بِكُم", "مَرْحَبًا بِكُم"),
    (None, "pɛ̃ bɔ̃", "PƐ̃ BƆ̃"),
    (None, "தமிழ் மொழி", "தமிழ் மொழி"),
    (None, "ສະບາຍ", UserError),
    (PERSIAN, "می‌روم؛ «کتاب‌ها»", "می‌روم کتاب‌ها"),
    (None, "한국어 단어", "한국어 단어"),
    (None, "Việt Nam", "VIỆT NAM"),
    (None, "ስላም፡ልጆች።", "ስላም ልጆች"),
    (None, "qʼa ʔaʔa", "Q'A ʔAʔA"),
    # capitals
    (GERMAN, "Die Maße und die Masse", "die Maße und die Masse"),
    (GERMAN, "DIE MASSE IST GROSS", "die Masse ist groß"),
    (GERMAN, "STRASSE", "Straße"),
    (GERMAN, "hund", "Hund"),
    (GERMAN, "die Quallen", "die Quallen"),
    (None, "Die Maße", "DIE MAßE"),
    (TURKISH, "Ilık İLİK ve İstanbul", "ılık ilik ve istanbul"),
    (TURKISH, unicodedata.normalize("NFD", "İstanbul"), "istanbul"),
    (TURKISH_CAPITALS, "ılık ilik ve İstanbul", "ILIK İLİK VE İSTANBUL"),
    ("Polish p ɒ\npolish p ə\n", "Polish POLISH polish", "Polish polish polish"),
    ("McDonald m ə\nthe ð\n", "THE MCDONALD mcdonald", "the McDonald McDonald"),
    ("οδός o ð o s\nο o\n", "Ο ΟΔΌΣ", "ο οδός"),
    # punctuation
    (FRENCH, "L’école, c'est « peut-être » aujourd’hui.", "l' école c' est peut-être aujourd'hui"),
    (SIGNS, "'ap: to ka: th- ma'", "'ap to ka: th- ma'"),
    (SIGNS, "\"be\", (to); to: 'to'", "be to to to"),
    (SIGNS, "zu: th-", "zu: th-"),
    (None, "'hello' dogs' don't well-known and/or", "HELLO DOGS DON'T WELL KNOWN AND OR"),
    (None, "wait... what?! — yes…", "WAIT WHAT YES"),
    (None, "\u200ehello\u200f wor\u00adld", "HELLO WORLD"),
    # figures
    (None, "3 dogs, 3rd, 28.8 at 7 A.M.", "THREE DOGS THIRD TWENTY EIGHT POINT EIGHT AT SEVEN A M"),
    (ENGLISH, "3 dogs", "THREE DOGS"),
    (GERMAN, "3 Hunde", UserError),
    (HINDI, "नमस्ते ३", UserError),
    ("MP3 ɛ m p e t ʁ w a\nle l ə\n", "le MP3", "le MP3"),
    # scripts without spaces
    (None, "ภาษาไทย", UserError),
    (THAI, "ภาษาไทย", UserError),
    (THAI, "ภาษา ไทย, สวัสดี!", "ภาษา ไทย สวัสดี"),
    (THAI, "ภาษา\u200bไทย", "ภาษา ไทย"),
    (None, "我喜欢你", UserError),
    (KATAKANA, "カタカナ、東京。", "カタカナ 東京"),
    (KATAKANA, "東京カタカナ", UserError),
    (None, "hello 世界", UserError),
    # what is no speech
    (None, "[laughter] hello <unk>", "HELLO"),
    (None, "hello {SL} the [door slams]", "HELLO THE"),
    (ENGLISH, "[noise] hello !SIL [UM] <unk>", "HELLO [UM]"),
    (None, "he (quietly) said", "HE QUIETLY SAID"),
    (None, "sil the ah", "SIL THE AH"),
]


def lexicon_of(folder: Path, lines: str | None) -> Path | None:
    if lines is None:
        return None
    path = folder / "given.txt"
    path.write_text(lines, encoding="utf-8")
    return path


@pytest.mark.parametrize("lexicon, text, words", TEXTS)
def test_written_text(tmp_path, lexicon, text, words):
    written = written_with(lexicon_of(tmp_path, lexicon))
    if words is UserError:
        with pytest.raises(UserError):
            written.words(text)
    else:
        assert " ".join(written.words(text)) == unicodedata.normalize("NFC", words)


# Every door
# ------------------------------------------------------------------------------------------------------------


def kaldi(folder: Path, text: str) -> None:
    rows = [f"s-{number:02}" for number in range(12)]
    folder.mkdir()
    for number, row in enumerate(rows):
        soundfile.write(folder / f"{row}.wav", noise(seed=number), RATE)
    for name, values in {
        "wav.scp": [f"{folder}/{row}.wav" for row in rows],
        "text": [text] * 12,
        "utt2spk": ["s"] * 12,
    }.items():
        (folder / name).write_text("".join(f"{row} {value}\n" for row, value in zip(rows, values)), encoding="utf-8")


def lhotse(folder: Path, text: str) -> None:
    folder.mkdir()
    recordings, supervisions = [], []
    for number in range(12):
        path = folder / f"r{number:02}.wav"
        soundfile.write(path, noise(seed=number), RATE)
        recordings.append(Recording.from_file(path))
        supervisions.append(SupervisionSegment(f"s-{number:02}", path.stem, 0, 1, text=text, speaker="s"))
    RecordingSet.from_recordings(recordings).to_file(folder / "recordings.jsonl.gz")
    SupervisionSet.from_segments(supervisions).to_file(folder / "supervisions.jsonl.gz")


def grids(folder: Path, text: str) -> None:
    """One interval a word, in a tier of words."""
    folder.mkdir()
    for number in range(12):
        soundfile.write(folder / f"u{number:02}.wav", noise(seed=number), RATE)
        grid, words = textgrid.Textgrid(0, 1), text.split()
        times = np.linspace(0, 1, len(words) + 1)
        grid.addTier(textgrid.IntervalTier("words", list(zip(times, times[1:], words)), 0, 1))
        grid.save(str(folder / f"u{number:02}.TextGrid"), "short_textgrid", includeBlankSpaces=True)


DOORS = {
    "folder": lambda folder, text: folder_of(folder, [text]),
    "lab": lambda folder, text: folder_of(folder, [text], ".lab"),
    "kaldi": kaldi,
    "lhotse": lhotse,
    "grid": grids,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "lexicon, text, words",
    [
        (HINDI, unicodedata.normalize("NFD", "नमस्ते दुनिया"), "नमस्ते दुनिया"),
        (FRENCH, unicodedata.normalize("NFD", "déjà VU"), "déjà vu"),
        (TURKISH, "İstanbul VE ilik", "istanbul ve ilik"),
        (ENGLISH, "[noise] Hello the [UM]", "HELLO THE [UM]"),
    ],
)
def test_every_door_gives_the_same_words(tmp_path, door, lexicon, text, words):
    DOORS[door](tmp_path / "mine", text)
    found = said(own.prepare(tmp_path / "mine", lexicon=lexicon_of(tmp_path, lexicon)).prepared)
    assert len(found) == 12 and set(found.values()) == {unicodedata.normalize("NFC", words)}


@pytest.mark.parametrize("door", ["folder", "lhotse", "grid"])
def test_figures_are_named_with_their_file(tmp_path, door):
    """Nothing of them is read, and nothing else is made of them."""
    DOORS[door](tmp_path / "mine", "Hund 32")
    try:
        unreadable = own.prepare(tmp_path / "mine", lexicon=lexicon_of(tmp_path, GERMAN)).prepared.unreadable
        message = unreadable[0][1]
    except UserError as error:
        message = str(error)
    assert '"32"' in message and str(tmp_path / "mine") in message


def test_the_line_of_a_figure_is_named(tmp_path):
    folder_of(tmp_path / "mine", ["Hund\n\nund 32 Hund\n"] + ["Hund"] * 11)
    ((name, error),) = own.prepare(tmp_path / "mine", lexicon=lexicon_of(tmp_path, GERMAN)).prepared.unreadable
    assert name == "u00" and error.startswith(f'{tmp_path}/mine/u00.txt:3: "32"')


def test_the_corpus_s_own_lexicon_spells_its_words(tmp_path):
    folder_of(tmp_path / "mine", ["Die STRASSE!"])
    (tmp_path / "mine/lexicon.txt").write_text(GERMAN, encoding="utf-8")
    assert set(words_of(tmp_path / "mine").values()) == {"die Straße"}


def test_an_utterance_of_noise_alone_is_left_out(tmp_path):
    kaldi(tmp_path / "mine", "the dog")
    text = tmp_path / "mine/text"
    text.write_text(text.read_text().replace("s-03 the dog", "s-03 [NOISE] <unk>").replace("s-04 the", "s-04 [cough]"))
    prepared = own.prepare(tmp_path / "mine").prepared
    assert [name for name, _ in prepared.left_out] == ["s-03"] and said(prepared)["04"] == "dog"


@pytest.mark.parametrize(
    "corpus, text, words",
    [
        ("answer the hello", "Answer, THE hello!", "answer the hello"),
        ("ANSWER THE HELLO", "answer, the “hello”", "ANSWER THE HELLO"),
        ("answer the hello", "[cough] answer <unk> me", "answer me"),
    ],
)
def test_the_text_to_align_is_spelled_as_the_corpus(corpus, text, words):
    lang = SimpleNamespace(reference_lexicon=dict.fromkeys(corpus.split()), info={"lexicon": "dictionary"})
    assert " ".join(written_in(lang).words(text)) == words


def test_lexicon_entries_are_never_merged(tmp_path):
    given = read_given(lexicon_of(tmp_path, GERMAN + "STRASSE s t\n"))
    found = given.look_up(["MASSE", "Maße", "masse", "Straße", "strasse", "nichts"])
    assert {word: variants[0][1] for word, variants in found.items()} == {
        "MASSE": ("m", "a", "s", "ə"),
        "masse": ("m", "a", "s", "ə"),
        "Maße": ("m", "aː", "s", "ə"),
        "Straße": ("ʃ", "t", "ʁ", "aː", "s", "ə"),
        "strasse": ("s", "t"),
    }


def test_a_word_that_is_called_as_a_phone_is_scored_as_a_word(tmp_path):
    (tmp_path / "hyp.txt").write_text("u SIL AH\n")
    pairs = align_all({"u": ("SIL", "THE", "AH")}, read_text(tmp_path / "hyp.txt"), tmp_path / "hyp.txt")
    found = total(pairs)
    assert (found.deletions, found.insertions, found.substitutions, found.length) == (1, 0, 0, 3)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(
    st.text(max_size=80),
    st.lists(st.text(st.characters(categories=["L", "M", "N", "P"]), min_size=1, max_size=6), max_size=9),
)
def test_any_text_is_words_or_an_error(text, lexicon):
    """Whatever the lexicon: no word has a space in it, all are composed, and what the lexicon has is spelled as
    there."""
    for written in (Written(lexicon), Written(), Written(english=False)):
        try:
            words = written.words(text)
        except UserError as error:
            assert str(error).isprintable()
            continue
        assert all(word.split() == [word] and unicodedata.is_normalized("NFC", word) for word in words)
    assert all(Written([word]).find(word) == composed(word) for word in lexicon)


@pytest.mark.parametrize(
    "text, words",
    [
        ("50% of R&D", "FIFTY PERCENT OF R AND D"),
        ("salt & pepper", "SALT AND PEPPER"),
        ("AT&T's 3.5%", "AT AND T'S THREE POINT FIVE PERCENT"),
        ("$ sign", "SIGN"),
    ],
)
def test_signs_that_are_said_are_words(text, words):
    assert " ".join(Written().words(text)) == words


@pytest.mark.parametrize("amount", ["$5", "5.50€", "£1,000"])
def test_an_amount_of_money_is_to_be_written_in_words(amount):
    with pytest.raises(UserError, match="amount of money"):
        Written().words(f"it costs {amount} today")


def test_a_word_with_such_a_sign_is_the_lexicon_s():
    assert Written({"AT&T": [], "AND": []}, english=True).words("AT&T & and") == ["AT&T", "AND", "AND"]
