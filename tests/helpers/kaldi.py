"""The rules of Kaldi's utils/validate_data_dir.sh and utils/validate_dict_dir.pl, written out once more."""

from __future__ import annotations

import subprocess
from pathlib import Path


def lines_of(path: Path) -> list[list[str]]:
    """The fields of each line, of a text file as Kaldi wants it: ASCII white space, each line with its end."""
    text = path.read_bytes().decode("utf-8")
    assert text.endswith("\n") and "\r" not in text and "\n\n" not in text
    assert all(line.split() == line.split(" ") for line in text.splitlines()), path
    return [line.split(" ") for line in text.splitlines()]


def sorted_once(path: Path) -> list[list[str]]:
    """The same of a table: sorted as `LC_ALL=C sort` does it, no key twice."""
    lines = lines_of(path)
    keys = [line[0] for line in lines]
    unique = {"input": "".join(f"{key}\n" for key in keys), "env": {"LC_ALL": "C"}, "text": True}
    assert subprocess.run(["/usr/bin/sort", "-u"], capture_output=True, check=True, **unique).stdout.split() == keys
    return lines


def validate_data_dir(path: Path) -> None:
    """What validate_data_dir.sh --no-feats refuses is an AssertionError."""
    utt2spk = sorted_once(path / "utt2spk")
    assert utt2spk and all(len(line) == 2 for line in utt2spk)
    by_speaker = subprocess.run(
        ["/usr/bin/sort", "-k2", path / "utt2spk"], capture_output=True, check=True, env={"LC_ALL": "C"}
    )
    assert by_speaker.stdout == (path / "utt2spk").read_bytes()
    turned = [[utt, speaker] for speaker, *utts in sorted_once(path / "spk2utt") for utt in utts]
    assert turned == utt2spk
    utts = [utt for utt, _ in utt2spk]
    text = sorted_once(path / "text")
    assert [line[0] for line in text] == utts
    assert not {"<s>", "</s>", "#0"} & {word for _, *words in text for word in words}
    recordings = [line[0] for line in sorted_once(path / "wav.scp")]
    assert all(line[1].startswith("/") for line in lines_of(path / "wav.scp"))  # found from everywhere; no "~"
    if (path / "segments").exists():
        segments = sorted_once(path / "segments")
        assert all(len(line) == 4 and float(line[3]) > float(line[2]) for line in segments)
        assert [line[0] for line in segments] == utts
        assert sorted({line[1] for line in segments}) == recordings
    else:
        assert recordings == utts


def validate_dict_dir(path: Path) -> set[str]:
    """What validate_dict_dir.pl refuses is an AssertionError; returns the words."""
    silent, spoken = (
        [phone for line in lines_of(path / f"{name}_phones.txt") for phone in line]
        for name in ("silence", "nonsilence")
    )
    every = [*silent, *spoken]
    assert len(set(every)) == len(every)
    assert not any(phone[0] == "#" or phone[-2:] in ("_B", "_E", "_S", "_I") or phone == "<eps>" for phone in every)
    (optional,) = lines_of(path / "optional_silence.txt")
    assert len(optional) == 1 and optional[0] in silent
    lexicon, weighted = lines_of(path / "lexicon.txt"), lines_of(path / "lexiconp.txt")
    for lines in (lexicon, weighted):
        assert len(set(map(tuple, lines))) == len(lines)
    assert [[word, *said] for word, _, *said in weighted] == lexicon
    assert all(0 < float(line[1]) <= 1 for line in weighted)
    assert all(said and set(said) <= set(every) for _, *said in lexicon)
    words = {word for word, *_ in lexicon}
    assert not words & {"<s>", "</s>", "<eps>", "#0"} and "<UNK>" in words  # the word that prepare_lang.sh is told of
    assert all(line and set(line) <= set(every) for line in lines_of(path / "extra_questions.txt"))
    return words
