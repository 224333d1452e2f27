"""Messages are one line of limited length, whatever the files hold."""

from __future__ import annotations

from lexicon.errors import UserError, one_line


def test_a_plain_message_stays_as_it_is():
    text = 'data/text:12: word "TŶ’N 日本語 é" is not in lexicon.txt; add it'
    assert str(UserError(text)) == one_line(text) == text


def test_what_a_terminal_would_obey_is_written_out():
    assert (
        str(UserError('a:1: "x\ny\r\x1b[31m\0\u2028\udcff"; mend it'))
        == 'a:1: "x\\ny\\r\\x1b[31m\\x00\\u2028\\udcff"; mend it'
    )


def test_long_words_and_long_messages_lose_their_middle():
    line = str(UserError(f'a:1: "{"Z" * 10**6}" and "{"W " * 10**6}"; mend it'))
    assert line.startswith('a:1: "ZZZ') and "ZZZ...ZZZ" in line and " ... " in line and line.endswith("; mend it")
    assert len(line) < 1100
