"""The encoders that are known by name: who publishes them where, under which licence, and how large they are.

OpenAI names the SHA-256 of its files in their addresses. torchaudio and Hugging Face publish none that could be written
down here; what is downloaded from them is as it comes, and its SHA-256 is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

OPENAI = "https://openaipublic.azureedge.net/main/whisper/models"
HUGGING_FACE = "https://huggingface.co"
TORCHAUDIO = "https://download.pytorch.org/torchaudio/models"
MMS = "https://dl.fbaipublicfiles.com/mms/torchaudio/ctc_alignment_mling_uroman"


@dataclass(frozen=True)
class Known:
    """A published model: its weights, ``url``, and the files that belong to them."""

    name: str
    megabytes: int
    licence: str
    url: str
    sha256: str = ""  # where the publisher names it
    beside: tuple[str, ...] = ()  # addresses
    repositories: tuple[str, ...] = ()  # of Hugging Face, in whose cache it may be

    @property
    def file(self) -> str:
        return self.url.rpartition("/")[2]


def _whisper(size: str, megabytes: int, sha256: str) -> Known:
    return Known(
        f"whisper-{size}",
        megabytes,
        "MIT",
        f"{OPENAI}/{sha256}/{size}.pt",
        sha256,
        (f"{HUGGING_FACE}/openai/whisper-{size}/resolve/main/tokenizer.json",),
        (f"openai/whisper-{size}", f"Systran/faster-whisper-{size}", f"guillaumekln/faster-whisper-{size}"),
    )


def _bundle(name: str, megabytes: int, file: str, repository: str) -> Known:
    return Known(name, megabytes, "MIT", f"{TORCHAUDIO}/{file}", repositories=(repository,))


ALL = (
    _whisper("tiny", 76, "65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9"),
    _whisper("tiny.en", 76, "d3dd57d32accea0b295c96e26691aa14d8822fac7d9d27d5dc00b4ca2826dd03"),
    _whisper("base", 145, "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e"),
    _whisper("base.en", 145, "25a8566e1d0c1e2231d1c762132cd20e0f96a85d16145c3a00adf5d1ac670ead"),
    _whisper("small", 484, "9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794"),
    _whisper("small.en", 484, "f953ad0fd29cacd07d5a9eda5624af0f6bcf2258be67c92b79389873d91e0872"),
    _whisper("medium", 1528, "345ae4da62f9b3d59415adc60127b97c714f32e89e936602e85993674d08dcb1"),
    _whisper("medium.en", 1528, "d7440d1dc186f76616474e0ff0b3b6b879abc9d1a4926b7adfa41db2d497ab4f"),
    _whisper("large-v1", 3087, "e4b87e7e0bf463eb8e6956e646f1e277e901512310def2c24bf0e11bd3c28e9a"),
    _whisper("large-v2", 3087, "81f7c96c852ee8fc832187b0132e569d6c3065a3252ed18e56effd0b6a73e524"),
    _whisper("large-v3", 3087, "e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb"),
    _whisper("large-v3-turbo", 1618, "aff26ae408abcba5fbf8813c21e62b0941638c5f6eebfb145be0c9839262a19a"),
    _bundle("wav2vec2-base", 378, "wav2vec2_fairseq_base_ls960.pth", "facebook/wav2vec2-base"),
    _bundle("wav2vec2-base-960h", 378, "wav2vec2_fairseq_base_ls960_asr_ls960.pth", "facebook/wav2vec2-base-960h"),
    _bundle("wav2vec2-large", 1262, "wav2vec2_fairseq_large_ls960.pth", "facebook/wav2vec2-large"),
    _bundle("wav2vec2-large-960h", 1262, "wav2vec2_fairseq_large_ls960_asr_ls960.pth", "facebook/wav2vec2-large-960h"),
    _bundle("wav2vec2-xlsr-53", 1262, "wav2vec2_fairseq_large_xlsr53.pth", "facebook/wav2vec2-large-xlsr-53"),
    _bundle("hubert-base", 378, "hubert_fairseq_base_ls960.pth", "facebook/hubert-base-ls960"),
    _bundle("hubert-large", 1262, "hubert_fairseq_large_ll60k.pth", "facebook/hubert-large-ll60k"),
    _bundle("hubert-large-960h", 1262, "hubert_fairseq_large_ll60k_asr_ls960.pth", "facebook/hubert-large-ls960-ft"),
    _bundle("wavlm-base", 378, "wavlm_base.pth", "microsoft/wavlm-base"),
    _bundle("wavlm-base-plus", 378, "wavlm_base_plus.pth", "microsoft/wavlm-base-plus"),
    _bundle("wavlm-large", 1262, "wavlm_large.pth", "microsoft/wavlm-large"),
    _bundle("xls-r-300m", 1262, "wav2vec2_xlsr_300m.pth", "facebook/wav2vec2-xls-r-300m"),
    _bundle("xls-r-1b", 3850, "wav2vec2_xlsr_1b.pth", "facebook/wav2vec2-xls-r-1b"),
    _bundle("xls-r-2b", 8640, "wav2vec2_xlsr_2b.pth", "facebook/wav2vec2-xls-r-2b"),
    Known("mms-fa", 1262, "CC BY-NC 4.0", f"{MMS}/model.pt"),
)
KNOWN = {model.name: model for model in ALL}
