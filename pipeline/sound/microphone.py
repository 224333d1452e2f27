"""The microphone, through PortAudio, which need not be there."""

from __future__ import annotations

from types import ModuleType

from lexicon.errors import UserError

ELSEWHERE = "record with another program and: make transcribe WAV=my.wav"


def sound_library() -> ModuleType:
    """sounddevice; UserError says how to install what is missing."""
    try:
        import sounddevice  # optional, and it loads PortAudio, which need not be there
    except ImportError:
        raise UserError(
            f"recording needs sounddevice; run: .venv/bin/pip install sounddevice, or {ELSEWHERE}"
        ) from None
    except OSError:
        raise UserError(
            "recording needs the PortAudio library; install it (Debian, Ubuntu: sudo apt-get install"
            f" libportaudio2; macOS: brew install portaudio), or {ELSEWHERE}"
        ) from None
    return sounddevice


def no_microphone(error: Exception) -> UserError:
    """What is said where none can be used."""
    return UserError(f"no microphone that can be used ({error}); plug one in or allow its use, or {ELSEWHERE}")
