r"""A plus right after a limit is the side it is taken from: ``\lim _ { x \rightarrow 0 } + f``.

Input: a reading. Output: the same with ``\lim _ { x \rightarrow 0 ^ { + } } f``: no sum begins with
a plus, and a small one at the end of a limit is easily read as one of the line.
"""

from __future__ import annotations

from dataclasses import replace

from hmer_cli.recognition.reading import Reading, TokenReading

_ARROWS = (r"\rightarrow", r"\to")


def with_sides(reading: Reading) -> Reading:
    """The reading with such signs raised; as it is where there are none."""
    tokens = list(reading.tokens)
    if reading.label.split() != [token.token for token in tokens]:
        return reading
    found = 0
    for at in range(len(tokens) - 2, 0, -1):
        if tokens[at].token == "+" and _ends_limit([token.token for token in tokens[:at]]):
            sign = tokens[at]
            raised = [_at(token, sign) for token in ("^", "{")] + [sign, _at("}", sign)]
            tokens[at - 1 : at + 1] = [*raised, tokens[at - 1]]
            found += 1
    if not found:
        return reading
    return replace(reading, label=" ".join(t.token for t in tokens), tokens=tuple(tokens))


def _at(token: str, sign: TokenReading) -> TokenReading:
    return replace(sign, token=token)


def _ends_limit(tokens: list[str]) -> bool:
    """Whether what is below a limit ends here, with a sign after its arrow and nothing raised."""
    if not tokens or tokens[-1] != "}":
        return False
    depth = 0
    for at in range(len(tokens) - 1, -1, -1):
        depth += (tokens[at] == "}") - (tokens[at] == "{")
        if depth == 0:
            below = tokens[at + 1 : -1]
            head = [token for token in tokens[max(0, at - 3) : at] if token != r"\limits"]
            return head[-2:] == [r"\lim", "_"] and len(below) > 2 and below[-2] in _ARROWS
    return False
