import pytest

from wyoming_voice.handle.llm.sse import MAX_LINE_CHARS, SseReader


def read(*pieces: bytes) -> list[str]:
    reader = SseReader()
    found = [document for piece in pieces for document in reader.push(piece)]
    return found + reader.finish()


@pytest.mark.parametrize(
    "body",
    [
        b'data: {"a":1}\n\ndata: [DONE]\n\n',
        b'data:{"a":1}\n\ndata:[DONE]\n\n',
        b'data: {"a":1}\r\n\r\ndata: [DONE]\r\n\r\n',
        b'data: {"a":1}\r\rdata: [DONE]\r\r',
        b'data: {"a":1}\ndata: [DONE]',
        b': ping\n\nevent: x\nid: 7\nretry: 5\ndata: {"a":1}\n\n:\n\ndata: [DONE]\n\n',
        b'\xef\xbb\xbfdata: {"a":1}\n\ndata: [DONE]\n\n',
    ],
)
def test_every_dialect_gives_the_same_documents(body: bytes) -> None:
    assert read(body) == ['{"a":1}', "[DONE]"]


def test_any_cut_gives_the_same_documents() -> None:
    body = 'data: {"a":"Grüße, 世界"}\r\n\r\n: x\r\ndata: [DONE]\r\n\r\n'.encode()
    whole = read(body)
    assert whole == ['{"a":"Grüße, 世界"}', "[DONE]"]
    for cut in range(1, len(body)):
        assert read(body[:cut], body[cut:]) == whole
    assert read(*(body[i : i + 1] for i in range(len(body)))) == whole


def test_a_body_that_is_one_document_is_taken_whole() -> None:
    assert read(b'\n {"a":\n', b" 1}\n") == ['{"a":\n 1}\n']


def test_a_bare_document_in_the_middle_and_an_error_field_are_documents() -> None:
    body = b'data: {"a":1}\n\n{"error":"x"}\n\nerror: {"code":500}\n\n'
    assert read(body) == ['{"a":1}', '{"error":"x"}', '{"code":500}']


def test_an_endless_line_is_refused_before_it_fills_the_memory() -> None:
    reader = SseReader()
    reader.push(b"x" * MAX_LINE_CHARS)
    with pytest.raises(ValueError, match="a line of over"):
        reader.push(b"x")


def test_bytes_that_are_no_utf8_do_no_harm() -> None:
    assert read(b'data: {"a":"\xff"}\n\n') == ['{"a":"\ufffd"}']
