"""A byte-level BPE in Whisper's layout, in which every word of the grammar is one token.

Ids: 256 bytes, the merges, Whisper's special tokens in the order of the English models, and 1501
timestamps of 20 ms. One token a word keeps the decoder's task short and makes a word's attention
span one row; any other text still encodes, byte by byte, so prompts and hotwords work.
"""

from dataclasses import dataclass

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from tests.models.train_command_whisper.grammar import sentences, written

TIMESTAMPS = 1501
TIMESTAMP_S = 0.02
SPECIALS = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokenizer with the ids that training names."""

    tokenizer: Tokenizer
    size: int
    end: int
    start: int
    previous: int
    no_speech: int
    no_timestamps: int

    @property
    def first_timestamp(self) -> int:
        """Id of `<|0.00|>`; every larger id is a later timestamp."""
        return self.no_timestamps + 1

    def timestamp(self, time_s: float) -> int:
        """The id nearest to a time in seconds, held within the window of 30 s."""
        step = min(TIMESTAMPS - 1, max(0, round(time_s / TIMESTAMP_S)))
        return self.first_timestamp + step

    def word(self, text: str) -> int:
        """The one id of a word of the grammar with its leading space, or of a mark.

        Raises ValueError for text that is more than one token.
        """
        ids: list[int] = self.tokenizer.encode(text).ids
        if len(ids) != 1:
            raise ValueError(f"{text!r} is {len(ids)} tokens; add its sentence to the grammar")
        return ids[0]

    def encode(self, text: str) -> list[int]:
        """Ids of any text."""
        ids: list[int] = self.tokenizer.encode(text).ids
        return ids

    def in_order(self) -> list[str]:
        """Every token's text, by id."""
        return [str(self.tokenizer.id_to_token(i)) for i in range(self.size)]


def build_tokens() -> Tokens:
    """The tokenizer of the grammar; the same at each call."""
    tokenizer = _tokenizer()
    ids: dict[str, int] = tokenizer.get_vocab()
    return Tokens(
        tokenizer=tokenizer,
        size=int(tokenizer.get_vocab_size()),
        end=ids["<|endoftext|>"],
        start=ids["<|startoftranscript|>"],
        previous=ids["<|startofprev|>"],
        no_speech=ids["<|nospeech|>"],
        no_timestamps=ids["<|notimestamps|>"],
    )


def _tokenizer() -> Tokenizer:
    vocabulary, merges = _merges()
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([_added(text, special=True) for text in SPECIALS])
    stamps = [f"<|{step * TIMESTAMP_S:.2f}|>" for step in range(TIMESTAMPS)]
    tokenizer.add_tokens([_added(text, special=False) for text in stamps])
    return tokenizer


def _added(text: str, *, special: bool) -> AddedToken:
    return AddedToken(text, special=special, normalized=False)


def _merges() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Left to right, letter by letter: `Ġt`, `Ġtu`, `Ġtur`, `Ġturn`."""
    letters = _byte_letters()
    vocabulary = {letters[byte]: byte for byte in range(256)}
    merges: list[tuple[str, str]] = []
    for word in _words():
        first, *rest = (letters[byte] for byte in f" {word}".encode())
        merged = first
        for letter in rest:
            if merged + letter not in vocabulary:
                vocabulary[merged + letter] = len(vocabulary)
                merges.append((merged, letter))
            merged += letter
    return vocabulary, merges


def _words() -> list[str]:
    return sorted({word for s in sentences() for word in written(s).rstrip(".?").split()})


def _byte_letters() -> dict[int, str]:
    """GPT-2's printable letter for each byte (`bytes_to_unicode` of its encoder)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in set(printable)]
    letters = {byte: chr(byte) for byte in printable}
    return letters | {byte: chr(256 + i) for i, byte in enumerate(hidden)}
