"""The three corpora: the real prompts, and yesno and fsdd as small trees in their publishers' exact layouts."""

from __future__ import annotations

import hashlib
import http.server
import io
import re
import shutil
import subprocess
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lexicon.errors import UserError
from pipeline.corpora import CORPORA, fetch, fsdd, prompts, yesno

DIGITS = "ZERO ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE".split()
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


def pack(folder: Path, archive: Path) -> Path:
    """A tar.gz of ``folder``, its own name on top, as publishers pack theirs."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(folder, arcname=folder.name)
    return archive


def quiet_wav(path: Path, num_samples: int = 400) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(num_samples, 0.1), 8000)


@pytest.fixture
def yesno_downloads(tmp_path) -> Path:
    """60 files named by the numbers 3, 7, 11, ... in eight binary digits, and a README, as in the original."""
    for number in range(3, 243, 4):
        quiet_wav(tmp_path / "tree/waves_yesno" / ("_".join(f"{number:08b}") + ".wav"))
    (tmp_path / "tree/waves_yesno/README").write_text("yes and no\n")
    return pack(tmp_path / "tree/waves_yesno", tmp_path / "downloads/waves_yesno.tar.gz").parent


@pytest.fixture
def fsdd_downloads(tmp_path) -> Path:
    """Twelve indices of two digits by all six speakers, under the folder name GitHub gives a tag."""
    for digit in (0, 7):
        for speaker in SPEAKERS:
            for index in range(12):
                quiet_wav(tmp_path / f"free-spoken-digit-dataset-1.0.10/recordings/{digit}_{speaker}_{index}.wav")
    return pack(tmp_path / "free-spoken-digit-dataset-1.0.10", tmp_path / "downloads/fsdd.tar.gz").parent


# prompts


@pytest.mark.parametrize(
    "written,said",
    [
        ("press 1 to go", "PRESS ONE TO GO"),
        ("Use the 7 key for Q, and the 9 key for Z.", "USE THE SEVEN KEY FOR Q AND THE NINE KEY FOR Z"),
        ("press * to toggle pause, press # to enter", "PRESS STAR TO TOGGLE PAUSE PRESS POUND TO ENTER"),
        ("at least a 28.8 kilobit modem", "AT LEAST A TWENTY EIGHT POINT EIGHT KILOBIT MODEM"),
        ("dial 500 to attempt", "DIAL FIVE HUNDRED TO ATTEMPT"),
        ("extension 1234 and password 4242.", "EXTENSION ONE TWO THREE FOUR AND PASSWORD FOUR TWO FOUR TWO"),
        ("dial extension 8500 to", "DIAL EXTENSION EIGHTY FIVE HUNDRED TO"),
        ("3D audio enabled", "THREE D AUDIO ENABLED"),
        ("A.M.", "A M"),
        ("o'clock", "O'CLOCK"),
        ("H.323", "H THREE TWO THREE"),
        ("M I S D N", "M I S D N"),
        ("MGCP", "M G C P"),
        ('IAX (note: does not say "2")', "IAX"),
        ("dash [-]", "DASH"),
        ("at [@]", "AT"),
        ("space [ ]", "SPACE"),
        ("exclaimation-point [!]", "EXCLAMATION POINT"),
        ("fourtieth", "FORTIETH"),
        ("Un-indentified or witheld and", "UNIDENTIFIED OR WITHHELD AND"),
        ("mute or umute all", "MUTE OR UNMUTE ALL"),
        ("All of our represenatives are", "ALL OF OUR REPRESENTATIVES ARE"),
        ("xray", "X RAY"),
        ('a polite "don\'t call" menu', "A POLITE DON'T CALL MENU"),
        ("... letters of", "LETTERS OF"),
        ("hang up. (simple tone sound plays)", "HANG UP"),
        ("visit www.asterisk.org.", "VISIT W W W DOT ASTERISK DOT ORG"),
        ("[ascending tones]", ""),
        ("<beep decending>", ""),
        ("(10 seconds of silence)", ""),
    ],
)
def test_prompts_transcripts_become_the_words_said(written, said):
    assert " ".join(prompts.clean(written)) == said


def test_prompts_of_the_real_corpus(prompts_root):
    """Counts by hand from the published list: 569 lines, 568 files, 17 of them tones, silences and monkeys."""
    prepared = prompts.prepare(prompts_root)
    sets = prepared.sets
    assert {name: len(members) for name, members in sets.items()} == {"train": 389, "dev": 54, "test": 107}
    reasons = [why for _, why in prepared.left_out]
    assert [reasons.count(why) for why in ("not speech", "no audio", "longer than 35 s")] == [17, 1, 1]
    assert 389 + 54 + 107 + 17 + 1 == len(list(prompts_root.rglob("*.wav"))) == 568
    assert prepared.sample_rate == 8000 and not prepared.unreadable
    words = {word for members in sets.values() for u in members for word in u.words}
    assert all(re.fullmatch("[A-Z]+('[A-Z]+)?", word) for word in words)
    assert all(u.id.startswith("allison-") and u.speaker == "allison" for u in sets["test"])


def test_prompts_split_keeps_every_transcript_in_one_set(prompts_root):
    sets = prompts.prepare(prompts_root).sets
    texts = {name: {u.words for u in members} for name, members in sets.items()}
    assert not (texts["train"] & texts["test"] or texts["train"] & texts["dev"] or texts["dev"] & texts["test"])
    distinct = sum(map(len, texts.values()))
    assert len(texts["test"]) == pytest.approx(0.2 * distinct, abs=1)
    assert len(texts["dev"]) == pytest.approx(0.1 * distinct, abs=1)


def test_prompts_from_the_publishers_tarball_and_a_damaged_file(prompts_root, tmp_path):
    with tarfile.open(tmp_path / prompts.TARBALL, "w") as tar:  # the publisher's has the files on top, unlike Debian's
        for path in sorted(prompts_root.rglob("*.*")):
            tar.add(path, arcname=path.relative_to(prompts_root))
    root = prompts.get(tmp_path, tmp_path / "cache")
    assert fetch.origin(root) == f"{prompts.TARBALL} from {tmp_path}, version 1.6.1, verified"
    assert len(prompts.prepare(root).sets["test"]) == 107
    damaged = root / "vm-goodbye.wav"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=r"prompts/vm-goodbye.wav: damaged .*; delete .*/prompts and run"):
        prompts.get(None, tmp_path / "cache")


def test_prompts_of_another_version_are_refused_and_not_kept(tmp_path):
    quiet_wav(tmp_path / "tree/vm-goodbye.wav")
    with tarfile.open(tmp_path / prompts.TARBALL, "w") as tar:
        tar.add(tmp_path / "tree/vm-goodbye.wav", arcname="vm-goodbye.wav")
    with pytest.raises(UserError, match=rf"{prompts.TARBALL} from .*: activated.wav: missing, and 568 more files; "):
        prompts.get(tmp_path, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_prompts_from_debian_packages_in_a_folder(prompts_root, tmp_path):
    """With dpkg-deb they are unpacked; without it (macOS) the message says what to give instead."""
    voice = tmp_path / "wav" / prompts.VOICE
    shutil.copytree(
        prompts_root, voice, ignore=shutil.ignore_patterns("core-sounds-en.txt", fetch.ORIGIN, ".phonoscope")
    )
    document = tmp_path / "txt" / prompts.DOCUMENT
    document.parent.mkdir(parents=True)
    document.write_bytes(
        subprocess.run(["gzip", "-c", prompts_root / prompts.TRANSCRIPTS], check=True, stdout=subprocess.PIPE).stdout
    )
    if not shutil.which("dpkg-deb"):
        for package in prompts.PACKAGES:
            (tmp_path / f"{package}_{prompts.VERSION}-1_all.deb").write_bytes(b"!<arch>\n")
        with pytest.raises(UserError, match=f"no dpkg-deb .* give {prompts.TARBALL} instead"):
            prompts.get(tmp_path, tmp_path / "cache")
        return
    for tree, package in zip(("wav", "txt"), prompts.PACKAGES):
        control = tmp_path / tree / "DEBIAN/control"
        control.parent.mkdir()
        control.write_text(
            f"Package: {package}\nVersion: {prompts.VERSION}-1\nArchitecture: all\n"
            f"Maintainer: nobody <nobody@example.org>\nDescription: for a test\n"
        )
        deb = tmp_path / f"{package}_{prompts.VERSION}-1_all.deb"
        subprocess.run(["dpkg-deb", "-Znone", "-b", tmp_path / tree, deb], check=True, stdout=subprocess.DEVNULL)
    root = prompts.get(tmp_path, tmp_path / "cache")
    there, wanted = ({p.name for p in folder.iterdir()} - {".phonoscope"} for folder in (root, prompts_root))
    assert there == wanted


@pytest.mark.parametrize(
    "lines,message",
    [
        ("hello: Hello.\nhello: Hello again.\n", 'core-sounds-en.txt:2: duplicate utterance id "hello"'),
        ("; a comment\n\nhello world\n", 'core-sounds-en.txt:3: "hello world": a line is'),
    ],
)
def test_prompts_transcripts_with_faults(tmp_path, lines, message):
    (tmp_path / "core-sounds-en.txt").write_text(lines)
    with pytest.raises(UserError, match=message):
        prompts.read_transcripts(tmp_path / "core-sounds-en.txt")


# yesno and fsdd


def test_yesno_has_kaldis_split_and_lexicon(yesno_downloads, tmp_path):
    prepared = yesno.prepare(yesno.get(yesno_downloads, tmp_path / "cache"))
    names = ["_".join(f"{number:08b}") for number in range(3, 243, 4)]  # sorted already
    assert [u.id for u in prepared.sets["test"]] == names[31:]
    dev = [names[i] for i in (5, 11, 17, 23, 29)]
    assert [u.id for u in prepared.sets["dev"]] == dev
    assert [u.id for u in prepared.sets["train"]] == [name for name in names[:31] if name not in dev]
    assert prepared.sets["train"][0].words == tuple("NO NO NO NO NO NO YES YES".split())
    assert prepared.lexicon == "YES Y\nNO N\n"


def test_fsdd_official_split(fsdd_downloads, tmp_path):
    sets = fsdd.prepare(fsdd.get(fsdd_downloads, tmp_path / "cache")).sets
    indices = {name: sorted({int(u.id.split("-")[2]) for u in members}) for name, members in sets.items()}
    assert indices == {"test": [0, 1, 2, 3, 4], "dev": [5, 6, 7, 8, 9], "train": [10, 11]}
    assert {name: len(members) for name, members in sets.items()} == {"test": 60, "dev": 60, "train": 24}
    first = sets["test"][0]
    assert (first.id, first.speaker, first.words, first.num_samples) == ("george-0-00", "george", ("ZERO",), 400)
    assert first.wav.name == "0_george_0.wav" and first.wav.is_absolute()


def test_fsdd_speaker_split_tests_speakers_that_train_lacks(fsdd_downloads, tmp_path):
    sets = fsdd.prepare(fsdd.get(fsdd_downloads, tmp_path / "cache"), "speaker").sets
    speakers = {name: sorted({u.speaker for u in members}) for name, members in sets.items()}
    assert speakers["test"] == ["theo", "yweweler"] and speakers["train"] == ["george", "jackson", "lucas", "nicolas"]
    assert {name: len(members) for name, members in sets.items()} == {"test": 48, "dev": 40, "train": 56}


@pytest.mark.parametrize("corpus", [yesno, fsdd])
def test_a_wav_whose_name_tells_no_words_is_an_error(tmp_path, corpus):
    quiet_wav(tmp_path / "recordings/cough.wav")
    with pytest.raises(UserError, match="recordings/cough.wav: audio without transcript; the name should be like"):
        corpus.prepare(tmp_path)


def test_every_corpus_refuses_a_split_it_does_not_have(tmp_path):
    for name, corpus in CORPORA.items():
        if corpus.SPLITS:  # else it depends on the archive
            message = f"SPLIT=random: {name} has no such split; use one of: {corpus.SPLITS[0]}"
            with pytest.raises(UserError, match=message):
                corpus.prepare(tmp_path, "random")


# archives


def test_an_archive_given_is_taken_as_it_is_and_says_so(yesno_downloads, fsdd_downloads, tmp_path, monkeypatch):
    root = yesno.get(yesno_downloads, tmp_path / "cache")
    assert fetch.origin(root).endswith("not the publisher's known archive, taken as it is")
    assert fetch.origin(fsdd.get(fsdd_downloads, tmp_path / "cache")).endswith("names no hash to compare with")
    hash_now = hashlib.sha256((yesno_downloads / "waves_yesno.tar.gz").read_bytes()).hexdigest()
    monkeypatch.setattr(yesno, "PUBLISHED", frozenset({hash_now}))
    assert fetch.origin(yesno.get(yesno_downloads, tmp_path / "fresh")).endswith(": the publisher's archive")


def test_another_archive_is_unpacked_anew(yesno_downloads, tmp_path):
    """What was unpacked from a former archive must not answer for the new one."""
    before = yesno.get(yesno_downloads, tmp_path / "cache")
    (tmp_path / "tree/waves_yesno/0_0_0_0_0_0_1_1.wav").unlink()
    pack(tmp_path / "tree/waves_yesno", yesno_downloads / "waves_yesno.tar.gz")
    after = yesno.get(yesno_downloads, tmp_path / "cache")
    assert len(list(before.rglob("*.wav"))) == 60 and len(list(after.rglob("*.wav"))) == 59


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"<html>not found</html>",
        lambda data: b"",
        lambda data: data[:200] + bytes(100) + data[300:],
    ],
)
def test_a_damaged_archive_is_named_and_leaves_nothing(yesno_downloads, tmp_path, damage):
    archive = yesno_downloads / "waves_yesno.tar.gz"
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(UserError, match="waves_yesno.tar.gz: a damaged archive .*; fetch it again") as error:
        yesno.get(yesno_downloads, tmp_path / "cache")
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "cache").iterdir())


def test_an_archive_that_would_write_outside_is_refused(tmp_path):
    with tarfile.open(tmp_path / "fsdd.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../../escaped.wav"), io.BytesIO())
    with pytest.raises(UserError, match="fsdd.tar.gz: would write outside its folder"):
        fsdd.get(tmp_path, tmp_path / "cache")
    assert not list(tmp_path.parent.rglob("escaped.wav"))


def test_an_archive_that_is_not_in_the_folder_is_asked_for(tmp_path):
    with pytest.raises(UserError, match=r"waves_yesno.tar.gz: no such archive; .* https://www.openslr.org"):
        yesno.get(tmp_path, tmp_path / "cache")


# downloads


@pytest.fixture
def server(tmp_path):
    """A web server on this machine; yields (its address, its folder). Names with `cut` break off half-way."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            path = tmp_path / "served" / self.path.strip("/")
            if not path.is_file():
                return self.send_error(404)
            content = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if "cut" in path.name else content)

        def log_message(self, *_):
            pass

    (tmp_path / "served").mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}", tmp_path / "served"
        httpd.shutdown()


def test_a_download_is_verified_and_kept(server, yesno_downloads, tmp_path, monkeypatch):
    address, folder = server
    content = (yesno_downloads / "waves_yesno.tar.gz").read_bytes()
    (folder / "waves_yesno.tar.gz").write_bytes(content)
    monkeypatch.setattr(yesno, "URL", f"{address}/waves_yesno.tar.gz")
    with pytest.raises(UserError, match="waves_yesno.tar.gz: not the archive that .* is known to publish"):
        yesno.get(None, tmp_path / "cache")
    monkeypatch.setattr(yesno, "PUBLISHED", frozenset({hashlib.sha256(content).hexdigest()}))
    assert len(list(yesno.get(None, tmp_path / "cache").rglob("*.wav"))) == 60
    (folder / "waves_yesno.tar.gz").unlink()  # the second time needs no network
    assert fetch.origin(yesno.get(None, tmp_path / "cache")) == f"waves_yesno.tar.gz from {address}/waves_yesno.tar.gz"


@pytest.mark.parametrize("name,message", [("cut.tar.gz", "the connection broke after"), ("gone.tar.gz", "404")])
def test_a_failed_download_leaves_no_file(server, tmp_path, name, message):
    address, folder = server
    (folder / "cut.tar.gz").write_bytes(bytes(200_000))
    with pytest.raises(UserError, match=message):
        fetch.download(f"{address}/{name}", tmp_path / "cache" / name)
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").iterdir())
