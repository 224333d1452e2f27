"""The dictionary, the user's own words before it, and the messages about mistakes in them."""

import subprocess
import sys

import pytest

from lexicon.dictionary import EXTRA, look_up, read_dictionary, read_lexicon
from lexicon.errors import UserError
from lexicon.phones import PHONES


@pytest.fixture(scope="module")
def dictionary():
    return read_dictionary()


def test_the_whole_dictionary_in_39_phones(dictionary):
    assert sum(map(len, dictionary.values())) == 134_860
    assert {phone for variants in dictionary.values() for phones in variants for phone in phones} == set(PHONES)


def test_variants_in_order():
    assert look_up(["THE", "HELLO"]) == {
        "THE": [("DH", "AH"), ("DH", "IY")],
        "HELLO": [("HH", "AH", "L", "OW"), ("HH", "EH", "L", "OW")],
    }


def test_pocketsphinx_itself_is_not_imported():
    code = "import sys, lexicon.dictionary as d; d.look_up(['THE']); sys.exit('pocketsphinx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_own_words_come_first(tmp_path):
    extra = tmp_path / "extra.txt"
    extra.write_text("# mine\nhello Y OW  # as some say\n\nZORK Z AO R K\nZORK Z AO R K\n")
    got = look_up(["HELLO", "ZORK", "FROBNITZ", "THE"], extra)
    assert got["HELLO"] == [("Y", "OW")] and got["ZORK"] == [("Z", "AO", "R", "K")]
    assert "FROBNITZ" not in got and "THE" in got


def test_extra_holds_what_the_dictionary_lacks(dictionary):
    assert "DIGIUM" in read_lexicon(EXTRA) and "DIGIUM" not in dictionary


@pytest.mark.parametrize(
    "line, message",
    [
        ("HELLO", r'extra.txt:2: word "HELLO" has no phones; write `HELLO P1 P2 ...`'),
        ("HELLO HH AH0 L OW1", r'extra.txt:2: unknown phone "AH0" in word "HELLO"; write AH'),
        ("HELLO HH XX", r'extra.txt:2: unknown phone "XX" in word "HELLO"; use these: AA AE'),
        ("HELLO SIL", r'extra.txt:2: unknown phone "SIL"'),
        ("HELLO \udcff", r"extra.txt:2: .* is not UTF-8"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path, line, message):
    extra = tmp_path / "extra.txt"
    extra.write_bytes(f"# mine\n{line}\n".encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=message):
        read_lexicon(extra)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        look_up(["HELLO"], tmp_path / "none.txt")
