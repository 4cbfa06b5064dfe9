"""What our clients and servers say to each other beyond the protocol: names, and nothing else.

A server lists in its `info` what it knows (`describing.Description`); a client sends to no other server
what these names stand for, and a server sends to no client what it hasn't asked for.

- `speculative-transcript` (ASR): `transcribe` with `context.speculative` true asks for events of that type,
  `{"text", "language", "audio_ms"}`: what the utterance will have been if it ends within the pause that began
  before `audio_ms`. Each replaces the one before. The `transcript` comes as ever.
- `own-endpoint` (ASR): `context.endpointing` false keeps a server that ends utterances itself from doing so.
- `speculative-answer` (handle): `transcript` with `context.speculative` true asks a question that may yet
  turn out not to have been asked. Its answer is streamed, but nothing that acts is done, nothing is
  remembered, and its last events are held back, until the client sends `commit`; `answer-written` says
  before it that all of the text has come. Hanging up before that, or
  another `transcript`, takes the question back; so does the server after 30 s, with an error.
- `warm-up` (handle): an event `{"context": {...}, "language"}` as in a question; the model is loaded, and its
  prompt read, before there is one. No reply.
- `replaces` (handle): `context.replaces` of a question names the turn (`turn_id`) that it is the whole of;
  that one, and its answer, are forgotten. What it did can't be: it is not done again.
- `client-tools` (handle): `context.tools` of a question lists what the client itself can do for it, each
  `{"name", "description", "parameters"}` with a JSON Schema, and `"reads"` true where it changes nothing.
  Before the answer ends the server may send `tool-call` `{"id", "name", "arguments"}`; the client does it
  and sends `tool-result` `{"id", "text", "error"}`. `context.area` is the room that the client stands in.
- `status` (all): an event `status` is answered at any time, also while a model loads, by `status` with
  `{"version", "engines": {name: version}, "uptime_s", "health": "loading|well|reloading|stuck|stopping",
  "connections", "answering", "waiting", "requests": {outcome: count},
  "last_errors": [{"at", "code", "text"}], "numbers": {name: value}}`: counts, codes and what clients are
  told of errors; at most five of these, the latest last, `at` in Unix time. Whoever may connect may ask.
- `pongs` (all): `ping` is answered by `pong` at any time, also in the middle of a request and while a model
  loads, whatever the engine is at. Who doesn't is frozen, or its machine or network has gone.
- `spoken-marks` (TTS): `context.spoken_marks` true of `synthesize` or `synthesize-start` asks for
  `spoken_chars` in the data of the `audio-chunk` that a piece of the text ends with: how many characters
  (Unicode code points, of all that was sent) have been said at the end of that chunk. It never decreases and
  never says too much; whoever loses the server goes on from there with another. What isn't said, such as
  markup, counts with the piece before it once the text behind it is there. Not of SSML.
- `acts` (handle): `context.acts` true asks for an event `acting` before the server does something itself
  that changes anything. Whoever loses the server after that can't know whether it was done, and had better
  not ask another.
"""

SPECULATIVE_TRANSCRIPT = "speculative-transcript"
OWN_ENDPOINT = "own-endpoint"
SPECULATIVE_ANSWER = "speculative-answer"
ANSWER_WRITTEN = "answer-written"
COMMIT = "commit"
WARM_UP = "warm-up"
REPLACES = "replaces"
CLIENT_TOOLS = "client-tools"
TOOL_CALL = "tool-call"
TOOL_RESULT = "tool-result"
STATUS = "status"
ACTS = "acts"
ACTING = "acting"
PONGS = "pongs"
SPOKEN_MARKS = "spoken-marks"

MARKS = "spoken_marks"
"""The key in a `context`."""

SPOKEN_CHARS = "spoken_chars"
"""The key in the data of an `audio-chunk`."""

SPECULATIVE = "speculative"
"""The key in a `context`."""

ENDPOINTING = "endpointing"
"""The key in a `context`."""

TOOLS = "tools"
"""The key in a `context`."""

AREA = "area"
"""The key in a `context`."""
