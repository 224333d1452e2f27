"""Links in a received data/ and exp/, under every name that a stage writes: what they lead to stays as it is."""

from __future__ import annotations

import re

from attacks.sandbox import Done, Sandbox, snapshot

from lexicon.files import mark

GMM = ("GMM_ARGS=--max-mix 1 --warm-up 2 --passes 0 --last 0", "NJ=1")
# Seen from the project. Locks, logs, temporary names, and files that are written last.
LINKS = (
    "data/.mine.lock",
    "data/mine/.lock",
    "data/mine/splits.json",
    "data/mine/splits.json.args",
    "data/mine/lexicon.txt",
    "data/mine/train",
    "data/mine/.train.lock",
    "data/mine/dev/.feats.scp.1.tmp",
    "data/mine/.lang.lock",
    "data/mine/lang",
    "data/mine/test/feats.scp",
    "data/mine/test/feats.ark",
    "data/mine/.lexicon.txt.1.tmp",
    "data/g2p",
    "exp/mine/.gmm.lock",
    "exp/mine/.lock",
    "exp/mine/gmm/train.log",
    "exp/mine/gmm/model.safetensors",
    "exp/mine/gmm/model.safetensors.args",
    "exp/mine/gmm/meta.json",
    "exp/mine/gmm/.decode_test.lock",
    "exp/mine/gmm/.lock",
    "exp/mine/gmm/decode_test",
    "exp/mine/gmm/tuning.json",
    "exp/mine/gmm/tune.tsv",
    "exp/mine/gmm/.ali_dev.lock",
    "exp/mine/gmm/ali_dev/phones.txt",
    "exp/mine/gmm/ali_dev/ali.scp",
    "exp/mine/gmm/ali_dev/reference.txt",
    "exp/mine/gmm/ali_test/.allison.TextGrid.praatio",
    "exp/mine/gmm/ali_test/textgrids",
    "exp/mine/own",
    "exp/mine/gmm/.model.safetensors.1.tmp",
    "exp/mine/report",
    "exp/mine/compare.tsv",
)
FOLDERS = ("train", "lang", "decode_test", "textgrids", "own", "report", "g2p")
ROUNDS = 12


def planted(sandbox: Sandbox) -> dict[str, str]:
    """Plant them; what they lead to, ROOT/strangers/NUMBER, as it is now."""
    for number, name in enumerate(LINKS):
        target = sandbox.root / "strangers" / str(number)
        target.parent.mkdir(exist_ok=True)
        if name.split("/")[-1] in FOLDERS:
            target.mkdir()
            (target / "kept").write_text("somebody's\n")
        else:
            target.write_text("somebody's\n")
        link = sandbox.project / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    for name in ("data/mine", "exp/mine"):  # as phonoscope's own folders were sent
        (sandbox.project / name).mkdir(parents=True, exist_ok=True)
        mark(sandbox.project / name)
    return snapshot(sandbox.root / "strangers")


def run_to_the_end(sandbox: Sandbox) -> Done:
    """`make gmm`; where a message names a link that is in the way, remove that and go on, as a user would."""
    for _ in range(ROUNDS):
        done = sandbox.make("gmm", "CORPUS_DIR=../../../mine", *GMM, timeout=150)
        message = " ".join(done.message)
        named = [
            name
            for name in LINKS
            if (sandbox.project / name).is_symlink() and re.search(rf"{re.escape(name)}(?![\w.]|/\w)", message)
        ]
        if not done.code or not named:
            return done
        for name in named:
            (sandbox.project / name).unlink()
    return done
