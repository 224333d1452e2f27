"""The lang directory: its files, word by word on a corpus of four sentences, and the errors a person can cause."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lexicon.errors import UserError
from lexicon.lang import build_lang, given_lexicon, load_lang
from lexicon.ngram import read_arpa
from lexicon.text import read_text

ROOT = Path(__file__).parent.parent
TEXT = {"train": "a1 THE CAT SAT\na2 THE CAT\na3 CAT\n", "dev": "b1 THE CAT\n", "test": "c1 THE DOG SAT\nc2\n"}


@pytest.fixture
def data(tmp_path):
    for name, text in TEXT.items():
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "text").write_text(text)
    return tmp_path / "data"


def test_files_word_by_word(data):
    info = build_lang(data, data / "lang")
    read = {path.name: path.read_text() for path in (data / "lang").iterdir()}
    assert read["lexicon.txt"] == ("CAT 1.0 K AE T\nDOG 1.0 D AO G\nSAT 1.0 S AE T\nTHE 1.0 DH AH\nTHE 1.0 DH IY\n")
    assert read["words.txt"] == "<eps> 0\nCAT 1\nDOG 2\nSAT 3\nTHE 4\n<s> 5\n</s> 6\n#0 7\n"
    assert read["tokens.txt"] == "<blk>\nAE\nAH\nAO\nD\nDH\nG\nIY\nK\nS\nT\n"
    assert read["phones.txt"].startswith("<eps> 0\nSIL 1\nAE 2\nAH 3\n")
    assert (info["num_words"], info["num_pronunciations"], info["num_phones"]) == (4, 5, 10)
    assert info["dev_oov_rate"] == 0 and info["test_oov_rate"] == pytest.approx(100 / 3)
    assert json.loads(read["lang.json"]) == info


def test_load_gives_back_what_was_built(data):
    info = build_lang(data, data / "lang", order=2)
    lang = load_lang(data / "lang")
    assert lang.words == ["CAT", "DOG", "SAT", "THE"]
    assert lang.phones[:3] == ["SIL", "AE", "AH"] and lang.tokens[:3] == ["<blk>", "AE", "AH"]
    assert lang.lexicon["THE"] == [(1.0, ("DH", "AH")), (1.0, ("DH", "IY"))]
    assert lang.lm.order == 2 and lang.phone_lm.order == 2 and lang.info == info
    assert lang.phone_lm.vocabulary == lang.tokens[1:]


def test_closed_knows_all_words_open_those_of_train(data):
    closed = build_lang(data, data / "closed")
    opened = build_lang(data, data / "open", vocab="open")
    assert "DOG" in load_lang(data / "closed").lm.vocabulary and "DOG" not in load_lang(data / "open").lexicon
    assert closed["test_oov_rate"] == opened["test_oov_rate"] == pytest.approx(100 / 3)
    # A word that train lacks is as likely as <unk>: it takes part, and tells nothing of the test set.
    lm = load_lang(data / "closed").lm
    assert lm.logprob[("DOG",)] == lm.logprob[("<unk>",)]
    assert all("DOG" not in gram for gram in lm.logprob if len(gram) > 1)


def test_phone_bigram_is_of_train_alone_in_first_pronunciations(data):
    build_lang(data, data / "lang")
    phone_lm = read_arpa(data / "lang" / "phone_lm.arpa")
    assert ("DH", "AH") in phone_lm.logprob and ("DH", "IY") not in phone_lm.logprob
    assert ("AH", "D") not in phone_lm.logprob and ("D",) in phone_lm.logprob


def test_a_corpus_lexicon_is_used_alone(data):
    (data / "lexicon.txt").write_text("THE Y\nCAT N\nDOG N\nSAT Y\n")  # as yesno's: one phone a word
    info = build_lang(data, data / "lang")
    lang = load_lang(data / "lang")
    assert info["lexicon"] == "lexicon.txt" and lang.phones == ["SIL", "N", "Y"]
    assert lang.lexicon["CAT"] == [(1.0, ("N",))]


def test_a_word_missing_in_the_corpus_lexicon_is_named_with_its_line(data):
    (data / "lexicon.txt").write_text("THE Y\nCAT N\nSAT Y\n")
    with pytest.raises(UserError, match=r'test/text:1: word "DOG" is not in .*lexicon.txt; add `DOG P1 P2 ...` to'):
        build_lang(data, data / "lang")


def test_all_words_without_pronunciation_are_listed(data):
    (data / "train" / "text").write_text("a1 THE CAT\na2 THE ZORKMID FROBNITZ\n")
    with pytest.raises(UserError) as error:
        build_lang(data, data / "lang")
    assert str(error.value).startswith(f'{data / "train" / "text"}:2: word "ZORKMID" is not in the dictionary')
    assert "without pronunciation: FROBNITZ ZORKMID" in str(error.value) and "extra.txt" in str(error.value)
    assert "\n" not in str(error.value)


def test_guessed_words_are_recorded(data):
    (data / "train" / "text").write_text("a1 THE ZORK\n")
    info = build_lang(
        data, data / "lang", guess=lambda words, lexicon: {word: [("Z", "AO", "R", "K")] for word in words}
    )
    assert info["guessed"] == ["ZORK"] and load_lang(data / "lang").lexicon["ZORK"] == [(1.0, ("Z", "AO", "R", "K"))]


@pytest.mark.parametrize(
    "text, message",
    [
        ("a1 THE\na1 CAT\n", 'text:2: utterance "a1" occurs twice'),
        ("a1 THE\n\n", "text:2: empty line"),
        ("", "no utterances"),
        ("a1\n", "no words"),
        ("a1 THE\na2 <unk>\n", 'text:2: word "<unk>" is reserved'),
    ],
)
def test_bad_text_is_named_with_its_line(data, text, message):
    (data / "train" / "text").write_text(text)
    with pytest.raises(UserError, match=message):
        build_lang(data, data / "lang")


@pytest.mark.parametrize(
    "name, old, new, message",
    [
        ("lexicon.txt", "CAT 1.0 K", "CAT 1.5 K", r'lexicon.txt:1: "CAT 1.5 K AE T"; a line is'),
        ("lexicon.txt", "CAT 1.0 K", "CAT 1.0 KK", r'lexicon.txt:1: phone "KK" is not in phones.txt'),
        ("lexicon.txt", "DOG 1.0 D AO G\n", "", r"words.txt: differs from lexicon.txt in DOG"),
        ("phones.txt", "AE 2", "AE 7", r'phones.txt:3: "AE 7"; `SYMBOL 2` is expected'),
        ("tokens.txt", "AE\n", "", r"tokens.txt:1: not <blk> and the phones"),
        ("lm.arpa", "\\end\\", "", r"lm.arpa:\d+: the file ends without"),
    ],
)
def test_files_that_do_not_fit_are_named(data, name, old, new, message):
    build_lang(data, data / "lang")
    path = data / "lang" / name
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=message):
        load_lang(data / "lang")


def test_an_unfinished_directory_is_refused(data):
    build_lang(data, data / "lang")
    (data / "lang" / "lang.json").unlink()
    with pytest.raises(UserError, match="not a finished lang directory"):
        load_lang(data / "lang")


def test_read_text_keeps_order_and_empty_utterances(tmp_path):
    (tmp_path / "text").write_text("b YES  NO\na\n")
    assert list(read_text(tmp_path / "text").items()) == [("b", ("YES", "NO")), ("a", ())]


def stage(*options):
    return subprocess.run(
        [sys.executable, "-m", "stages.make_lang", *map(str, options)], cwd=ROOT, capture_output=True, text=True
    )


def test_stage_prints_one_line_and_is_deterministic(data):
    first = stage("--data", data, "--out", data / "one", "--order", 2, "--oov", "error")
    assert stage("--data", data, "--out", data / "two", "--order", 2, "--oov", "error").returncode == 0
    assert first.stdout.startswith("make_lang: 4 words, 5 pronunciations, 10 phones + SIL, bigram, test perplexity ")
    assert first.stdout.endswith("33.3 % of test words unseen in train (closed vocabulary)\n")
    assert first.stderr == "" and (data / "one" / "lang.json.made").is_file()
    for path in (data / "one").iterdir():
        if path.suffix != ".made":
            assert path.read_bytes() == (data / "two" / path.name).read_bytes(), path.name


def test_stage_fails_in_one_line_and_leaves_the_old_target(data):
    stage("--data", data, "--out", data / "lang", "--oov", "error")
    before = (data / "lang" / "lang.json").read_bytes()
    (data / "train" / "text").write_text("a1 THE ZORKMID\n")
    done = stage("--data", data, "--out", data / "lang", "--oov", "error")
    assert done.returncode == 1 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert 'text:1: word "ZORKMID" is not in the dictionary' in done.stderr
    assert (data / "lang" / "lang.json").read_bytes() == before


# ---- a lexicon that is given

GERMAN = "die d iː\nDie(2) d i\nKatze k a ts ə\nsaß z aː s\nHund h ʊ n t\n"


@pytest.fixture
def german(data):
    for name, text in {
        "train": "a1 die Katze saß\na2 DIE KATZE\n",
        "dev": "b1 Die Katze\n",
        "test": "c1 der Hund saß\n",
    }.items():
        (data / name / "text").write_text(text)
    (data / "german.txt").write_text(GERMAN + "der d eː ɐ\n")
    return data


def test_a_given_lexicon_replaces_the_dictionary_and_the_corpus_one(german):
    (german / "lexicon.txt").write_text("THE Y\n")
    info = build_lang(german, german / "lang", given=given_lexicon(german, german / "german.txt"))
    lang = load_lang(german / "lang")
    assert lang.lexicon["DIE"] == lang.lexicon["die"] == [(1.0, ("d", "iː"))]  # in small letters first
    assert lang.lexicon["KATZE"] == lang.lexicon["Katze"] == [(1.0, ("k", "a", "ts", "ə"))]
    assert lang.phones[0] == "SIL" and "ts" in lang.phones and info["lexicon"] == "german.txt"
    assert info["phone_set"]["iː"] == "iː long close front vowel"
    recorded = (german / "lang/phone_set.txt").read_text().splitlines()
    assert "ts ts voiceless alveolar affricate" in recorded and len(recorded) == info["num_phones"]


def test_probabilities_of_a_given_lexicon_are_kept(data):
    (data / "mine.txt").write_text("THE 0.2 DH IY\nTHE 0.8 DH AH\nCAT 1.0 K AE T\nSAT 1.0 S AE T\nDOG 1.0 D AO G\n")
    build_lang(data, data / "lang", given=given_lexicon(data, data / "mine.txt"))
    assert load_lang(data / "lang").lexicon["THE"] == [(1.0, ("DH", "AH")), (0.25, ("DH", "IY"))]


def test_words_missing_in_a_small_lexicon_are_listed(german):
    (german / "german.txt").write_text(GERMAN.replace("Hund", "Hunde"))
    with pytest.raises(UserError) as error:
        build_lang(german, german / "lang", given=given_lexicon(german, german / "german.txt"), guess=lambda *_: 1 / 0)
    path = german / "german.txt"
    assert str(error.value) == (
        f'{german / "test" / "text"}:1: word "der" is not in {path}; without pronunciation: Hund der; add '
        f"`der P1 P2 ...` to {path} (its 5 words of letters are too few to train G2P on, which takes 50)"
    )


def test_a_corpus_lexicon_of_any_phones_gets_its_words_guessed(data):
    words = [f"W{chr(65 + a)}{chr(65 + b)}" for a in range(8) for b in range(8)]
    (data / "lexicon.txt").write_text("".join(f"{word} ʃ\n" for word in [*words, "THE", "CAT", "SAT"]))
    asked = []
    info = build_lang(
        data,
        data / "lang",
        guess=lambda missing, lexicon: (
            asked.append((missing, len(lexicon))) or {word: [("ʃ", "ʃ")] for word in missing}
        ),
    )
    assert asked == [(["DOG"], 67)] and info["guessed"] == ["DOG"]


def test_a_phone_file_describes_the_dictionary(data):
    (data / "phones").write_text(
        "".join(
            f"{name} {ipa}\n" for name, ipa in zip("AE AH AO D DH G IY K S T".split(), "a ə ɒ d̪ ð ɡ iː k s t̪".split())
        )
    )
    info = build_lang(data, data / "lang", phones=data / "phones")
    assert info["phone_set"]["D"] == "d̪ voiced dental plosive"
    (data / "phones").write_text("AE a\n")
    with pytest.raises(UserError, match="phones: no line for AH, a phone of the dictionary; add them: AH AO D"):
        build_lang(data, data / "lang", phones=data / "phones")


def test_stage_prints_the_phones_of_a_given_lexicon(german):
    done = stage("--data", german, "--out", german / "lang", "--order", 2, "--lexicon", german / "german.txt")
    assert done.returncode == 0, done.stderr
    first, *phones, last = done.stdout.splitlines()
    assert first == f"make_lang: {german / 'german.txt'}: 6 words in 16 phones, IPA"
    assert phones[0].startswith("a open front vowel") and last.startswith("make_lang: 8 words, ")
    assert sum(line.count("vowel") for line in phones) == 8
