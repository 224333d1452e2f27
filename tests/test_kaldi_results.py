"""A decode directory of Kaldi's, made by hand as Kaldi documents it, and its errors counted by hand."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers.langs import BUGS_ARPA, make_lang
from helpers.trees import ODD_ID, ODD_WORD, PRONUNCIATIONS, ROOT, make_trees, run_stage

from lexicon.errors import UserError
from pipeline.compare.kaldi import Scale, best_scale, find_ctm, heard_in, read_hypotheses, read_lattices, share_near
from pipeline.datadir import Utterance
from pipeline.times.intervals import Interval

# Of THE CAT, SAT, THE CAT SAT: SAT for CAT, nothing, a word too many. 3 errors of 6 words.
HEARD = {"u1": "THE SAT", "u2": "", "u3": "THE CAT SAT CAT"}
REFERENCES = {"u1": ("THE", "CAT"), "u2": ("SAT",), "u3": ("THE", "CAT", "SAT")}
UTTERANCES = [Utterance(utt, "s1", Path(f"{utt}.wav"), words, 8000) for utt, words in REFERENCES.items()]
WORDS = "<eps> 0\nCAT 1\nSAT 2\nTHE 3\n<UNK> 4\n#0 5\n<s> 6\n</s> 7\n"


def text(lines: dict[str, str]) -> str:
    return "".join(f"{utt} {said}\n" for utt, said in lines.items())


def wer_line(wer: float, name: str) -> str:
    return f"%WER {wer:.2f} [ {round(wer * 6 / 100)} / 6, 1 ins, 1 del, 1 sub ] exp/tri1/{name}\n"


def scored(decode: Path, best: str, hypotheses: dict[str, dict[str, str]]) -> Path:
    """As steps/score_kaldi.sh leaves it: best_wer, and the text of each `PENALTY/WEIGHT`."""
    (decode / "scoring_kaldi").mkdir(parents=True)
    (decode / "scoring_kaldi/best_wer").write_text(wer_line(50, best))
    for name, lines in hypotheses.items():
        path = decode / f"scoring_kaldi/penalty_{name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text(lines))
    return decode


def test_the_scale_is_that_of_dev_if_it_was_decoded(tmp_path):
    """On test 13 and 0.5 have the fewest errors, on dev 9 and 0.0."""
    right = {utt: " ".join(words) for utt, words in REFERENCES.items()}
    test = scored(tmp_path / "decode_test", "decode_test/wer_13_0.5", {"0.5/13": right, "0.0/9": HEARD})
    alone = best_scale(test)
    assert alone == Scale("13", "0.5", "test", "%WER 50.00 [ 3 / 6, 1 ins, 1 del, 1 sub ]")
    assert read_hypotheses(test, alone) == REFERENCES
    scored(tmp_path / "decode_dev", "decode_dev/wer_9_0.0", {"0.0/9": right})
    assert best_scale(test)[:3] == ("9", "0.0", "dev")
    assert read_hypotheses(test, best_scale(test)) == {utt: tuple(said.split()) for utt, said in HEARD.items()}


@pytest.mark.parametrize(("named", "tra"), [("wer_12", "12"), ("wer_12_0.5", "12.0.5")])
def test_older_recipes_number_their_words(tmp_path, named, tra):
    """wer_* without best_wer, and .tra in numbers of the graph's words.txt; the least WER is chosen."""
    decode = tmp_path / "tri1/decode_test"
    (decode / "scoring").mkdir(parents=True)
    (decode / named).write_text("compute-wer --text --mode=present ark:a ark,p:-\n" + wer_line(50, "").split(" exp")[0])
    (decode / named.replace("12", "9")).write_text(wer_line(83, ""))
    (decode / f"scoring/{tra}.tra").write_text("u1 3 2 \nu2 \nu3 3 1 2 1\n")
    scale = best_scale(decode)
    assert scale.weight == "12"
    with pytest.raises(UserError, match='no words.txt in graph.*KALDI_ARGS="--words FILE"'):
        read_hypotheses(decode, scale)
    for graph in ("graph", "graph_small"):
        (tmp_path / "tri1" / graph).mkdir()
        (tmp_path / "tri1" / graph / "words.txt").write_text(WORDS)
    assert read_hypotheses(decode, scale) == {utt: tuple(said.split()) for utt, said in HEARD.items()}
    (tmp_path / "tri1/graph_small/words.txt").write_text("<eps> 0\n")
    with pytest.raises(UserError, match="2 words.txt that differ"):
        read_hypotheses(decode, scale)
    with pytest.raises(UserError, match="12.*tra: word .* is not in words.txt"):
        read_hypotheses(decode, scale, tmp_path / "tri1/graph_small/words.txt")


def test_ids_with_the_speaker_first_and_missing_utterances():
    heard = heard_in({"s1-u1": ("THE",), "u3": ()}, UTTERANCES, ["CAT", "SAT", "THE"], ["AE", "K", "T"])
    assert (heard.kind, heard.said, heard.missing) == ("words", {"u1": ("THE",), "u2": (), "u3": ()}, 1)
    with pytest.raises(UserError, match=r'"u9" \(1 such ids\) is no utterance of the test set'):
        heard_in({"u9": ()}, UTTERANCES, [], [])
    with pytest.raises(UserError, match="2 of 3 utterances are missing"):
        heard_in({"u1": ()}, UTTERANCES, [], [])


def test_a_search_for_phones_is_known_by_its_phones():
    """With places in the word and silence, as a decode with dict_phones has them."""
    found = {"u1": ("K_B", "AE_I", "T_E"), "u2": ("SIL", "T_S"), "u3": ("<UNK>",)}
    heard = heard_in(found, UTTERANCES, ["CAT", "SAT", "THE"], ["SIL", "AE", "K", "T"])
    assert heard.kind == "phones" and heard.said == {"u1": ("K", "AE", "T"), "u2": ("T",), "u3": ()}


def test_word_starts_of_a_ctm(tmp_path):
    """A frame is the middle of its window, 7.5 ms later than Kaldi has it. THE begins 17.5 ms late, which is near, CAT
    in u3 22.5 ms early; SAT was heard for CAT and is not asked."""
    ctm = tmp_path / "score_12/decode.ctm"
    ctm.parent.mkdir()
    ctm.write_text("u1 1 0.11 0.1 THE 1.00\nu1 1 0.2 0.3 SAT 0.40\ns1-u3 1 0.27 0.3 CAT 0.9\n")
    reference = {
        "u1": [Interval(0.1, 0.2, "THE"), Interval(0.2, 0.5, "CAT")],
        "u3": [Interval(0.1, 0.3, "THE"), Interval(0.3, 0.6, "CAT"), Interval(0.6, 0.9, "SAT")],
    }
    assert find_ctm(tmp_path, Scale("12", "0.0", "dev", "")) == ctm
    assert find_ctm(tmp_path, Scale("9", "0.0", "dev", "")) is None
    assert share_near(ctm, UTTERANCES, reference) == (1, 2)
    ctm.write_text("rec7 1 0.1 0.1 THE\n")
    with pytest.raises(UserError, match='decode.ctm: "rec7" is no utterance of the test set'):
        share_near(ctm, UTTERANCES, reference)


# u1: THE, then SAT or CAT, in 5 frames; u2: nothing or CAT in 4; states out of order, a final state with a cost.
LATTICES = """u1 
0 2 3 1.5,20.25,1_1
2 1 2 0.5,30,2_2_2
2 1 1 2.5,29,4_2_2
1 0.1,0,

u2 
0 1 1 3,40,5_5_5_5
0 2 0 1,41,6_6_6_6
1 
2 

"""  # noqa: W291 (Kaldi writes the blank)


def test_lattices_in_text(tmp_path):
    """The nearest paths have CAT in u1, and in u2 a wrong word or none for SAT: 1 error of 3 words. Over 5 frames of
    u1 lie 2 + 3 + 3, over the 4 of u2 4 + 4."""
    (tmp_path / "lat.1.txt").write_text(LATTICES)
    (tmp_path / "words.txt").write_text(WORDS)
    found = read_lattices([tmp_path / "lat.1.txt"], tmp_path / "words.txt", UTTERANCES, REFERENCES)
    assert vars(found) == {"errors": 1, "words": 3, "arc_frames": 16, "frames": 9}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (("0 2 3 1.5", "0 2 99 1.5"), "lat.txt:1: no compact lattice (KeyError(99))"),
        (("2 1 1 2.5,29,4_2_2", "2 1 1 2.5,29,4_2"), "ways of different lengths to state 1"),
        (("2 1 2 0.5", "2 0 2 0.5"), "lat.txt:1: no compact lattice"),
        (("1.5,20.25", "nan,20.25"), "scores are not finite"),
        (("u2 ", "u7 "), '"u7" is no utterance of the test set'),
        (("u1 \n", ""), "lat.txt:1: '0 2 3 1.5,20.25,1_1' where an utterance should begin"),
    ],
)
def test_damaged_lattices_are_refused(tmp_path, damage, says):
    (tmp_path / "lat.txt").write_text(LATTICES.replace(*damage))
    (tmp_path / "words.txt").write_text(WORDS)
    with pytest.raises(UserError) as error:
        read_lattices([tmp_path / "lat.txt"], tmp_path / "words.txt", UTTERANCES, REFERENCES)
    assert says in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "best_wer: no line `%WER"),
        ("%WER nan [ x ]\n", "best_wer: no line `%WER"),
        ("\xff\n", "best_wer:1: "),
        ("%WER 50.00 [ 3 / 6, 1 ins, 1 del, 1 sub ]\n", "does not name its file wer_WEIGHT"),
        (wer_line(50, "wer_../../x"), "does not name its file wer_WEIGHT"),
        (wer_line(50, "wer_99_0.0"), "penalty_0.0/99.txt: no such file, nor"),
    ],
)
def test_damaged_scores_are_refused(tmp_path, content, says):
    decode = scored(tmp_path / "decode_test", "wer_9_0.0", {"0.0/9": HEARD})
    (decode / "scoring_kaldi/best_wer").write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError) as error:
        read_hypotheses(decode, best_scale(decode))
    assert says in str(error.value) and "\n" not in str(error.value)


def test_rows_of_an_experiment(tmp_path):
    """Words and phones of one model are one row: 3 errors of 7 words; of 17 phones one is missing."""
    exp, data = make_trees(tmp_path)
    info = (data / "lang/lang.json").read_text()
    shutil.rmtree(data / "lang")
    lexicon = [f"{word} 1.0 {said}" for word, said in PRONUNCIATIONS.items()]
    make_lang(data / "lang", lexicon, BUGS_ARPA)
    (data / "lang/lang.json").write_text(info)
    words = scored(tmp_path / "tri1/decode_test", "wer_9_0.0", {"0.0/9": {**HEARD, ODD_ID: ODD_WORD}})
    said = {"u1": "DH AH K AE T", "u2": "S AE T", "u3": "SIL DH AH K AE T S AE", ODD_ID: "AH"}
    phones = scored(tmp_path / "tri1/decode_phones_test", "wer_1_0.0", {"0.0/1": said})
    for decode in (words, phones):
        options = ("--kaldi", decode, "--lang", data / "lang", "--out", exp / "kaldi" / f"tri1.{decode.name}")
        done = run_stage("kaldi_results", exp, data, *map(str, options))
        assert done.returncode == 0, done.stderr
    assert "tri1/decode_phones_test: %PER 5.88 [ 1 / 17, 0 ins, 1 del, 0 sub ]; Kaldi says %WER 50.00" in done.stdout
    compared = run_stage("compare", exp, data, "--systems", "old", "new", "--out", str(exp / "compare.tsv"))
    assert compared.returncode == 0, compared.stderr
    row = (exp / "compare.tsv").read_text().splitlines()[-1].split("\t")
    assert [row[i] for i in (0, 1, 4, 7)] == ["Kaldi's tri1", "42.86", "", "5.88"]
    assert (
        "Kaldi's tri1: LM weight 1, insertion penalty 0.0, chosen on test; "
        "LM weight 9, insertion penalty 0.0, chosen on test." in (exp / "compare.txt").read_text()
    )
    (exp / "kaldi/tri1.decode_test/kaldi.json").write_text(json.dumps({"experiment": "tri1"}))
    done = run_stage("compare", exp, data, "--systems", "old", "new", "--out", str(exp / "compare.tsv"))
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "kaldi.json: damaged; remove" in done.stderr


def test_make_takes_folders_with_plain_names():
    for value, code in (("exp/tri1/decode_test ~/x/decode_test", 0), ("a$(touch x)b", 2), ("a;b", 2), ("-x", 2)):
        done = subprocess.run(
            ["make", "-n", "help", f"KALDI_EXP={value}"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, (value, done.stderr)
        assert code == 0 or "KALDI_EXP=" in done.stderr, done.stderr
