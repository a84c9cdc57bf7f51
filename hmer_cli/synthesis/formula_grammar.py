r"""A grammar of formulas as they stand in notes: what to write when nobody says what.

A rule has several ways to be written, one of them a blank-separated string of tokens and names of
rules. A name in lower case, such as ``<x>``, is one sign throughout an expression; every other is
written anew where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hmer_cli.expr.latex import normalise

_DEEP = 3
"""Rules within rules; below them, a term is a single sign."""

_SIGNS = {
    "<x>": r"x y t z u s \theta",
    "<n>": "n k i j m",
    "<f>": r"f g h F G \phi \psi",
    "<a>": r"a b c p q r A B \alpha \beta \lambda \mu",
    "<b>": r"c d e v w C P V R \gamma \sigma \omega",
    "<N>": "2 3 4 5 6 7 8 9",
    "<angle>": r"\theta \phi \alpha \beta \omega x",
    "<GREEK>": r"\alpha \beta \gamma \delta \epsilon \lambda \pi \rho \sigma",
    "<R>": r"= = = = = = \leq \geq < > \neq \approx \equiv",
    "<PM>": r"+ + + - - - \pm",
}

_RULES = {
    "<S>": r"""
        <b> = <T> | <f> ( <x> ) = <T> <PM> <T> | <T> <PM> <T> <R> <T> | <T> = <T> = <T>
        <x> = \frac { - <a> \pm \sqrt { <a> ^ 2 - 4 <b> c } } { 2 <b> }
        \frac { d } { d <x> } <F> = <T> | \frac { d <f> } { d <x> } = <T> <PM> <T>
        \frac { \partial <f> } { \partial <x> } = <T> | <f> ' ( <x> ) = <T> | <f> '' + <T> = 0
        \lim _ { <x> \rightarrow <END> } <F> = <T> | \lim _ { <n> \rightarrow \infty } <A> = <T>
        \sum _ { <n> = 1 } ^ { <TOP> } <A> = <T> | \sum _ { <n> = 0 } ^ \infty <A> <x> ^ <n>
        \prod _ { <n> = 1 } ^ { <TOP> } ( 1 <PM> <A> ) | \sum _ <n> <a> _ <n> ^ 2 \leq <T>
        \int <F> d <x> = <T> + C | \int _ <LOW> ^ <END> <F> d <x> = <T>
        <a> ^ 2 + <b> ^ 2 = c ^ 2 | \sin ^ 2 <angle> + \cos ^ 2 <angle> = 1
        e ^ { i <angle> } = \cos <angle> + i \sin <angle> | ( <a> + <b> ) ^ <N> <R> <T>
        <x> _ { <n> + 1 } = <x> _ <n> <PM> <T> | 1 0 <N> + <N> 5 = 1 <N> 0 | <N> . 5 <b>
        \vec { <b> } = ( <x> _ 1 , <x> _ 2 , \ldots , <x> _ n ) | <a> \in [ 0 , <N> ]
        <b> = \begin{pmatrix} <E> & <E> \\ <E> & <E> \end{pmatrix}
        <f> ( <x> ) = \begin{cases} <T> & <x> > 0 \\ <T> & <x> \leq 0 \end{cases}""",
    "<T>": r"""
        <a> | <a> | <b> | <N> <a> | <N> <x> ^ 2 | <a> <x> <PM> <b> | <F> | <F> | <a> _ <N>
        \frac { <T> } { <T> } | \frac { <N> } { <b> } | \frac { <a> } { <b> } | \frac 1 { <N> } <F>
        \sqrt { <T> <PM> <N> } | \sqrt { <x> ^ 2 + <b> ^ 2 } | ( <a> <PM> <b> ) | <b> <F>
        \sqrt [ 3 ] { <a> } | <GREEK> ^ <N> | 2 \pi <b> | \bar { <x> } | \hat { <b> } _ <N>""",
    "<F>": r"""
        <x> ^ <N> | <x> ^ 2 <PM> <N> | e ^ { - <a> <x> } | e ^ { <x> } | \sin <x> | \cos 2 <x>
        \tan ( <x> ) | \log _ 2 <x> | \ln ( 1 + <x> ) | \frac { 1 } { <x> } | <f> ( <x> )
        \frac { \sin <x> } { <x> } | \sqrt { <x> } | \frac 1 { 1 + <x> ^ 2 } | <x> ( 1 - <x> )""",
    "<A>": r"""
        <a> _ <n> | <n> ^ 2 | \frac { 1 } { <n> ! } | \frac 1 { <n> ^ 2 } | ( - 1 ) ^ <n>
        \frac { <x> ^ <n> } { <n> } | 2 ^ { - <n> } | <x> _ <n> ^ 2 | <a> _ <n> <b> _ <n>
        ( 1 + \frac 1 <n> ) ^ <n>""",
    "<E>": r"<a> | <b> | 0 | 1 | - <a> | \cos <angle> | - \sin <angle> | <N> | <a> _ { 1 2 }",
    "<END>": r"0 | 1 | \infty | \pi | <a> | <N>",
    "<LOW>": r"0 | 0 | 1 | { - \infty } | a",
    "<TOP>": r"N | \infty | <N> | M",
}
Table = Mapping[str, Sequence[str]]
"""The ways to write each rule."""


def table(signs: Mapping[str, str], rules: Mapping[str, str]) -> Table:
    """These rules beside those of this file.

    The ways of a rule stand apart by ``|`` or a new line; one that is indented goes on.
    """
    written = {
        name: [
            way.strip()
            for line in ways.replace("\n" + 12 * " ", " ").strip().split("\n")
            for way in line.split(" | ")
        ]
        for name, ways in {**_RULES, **rules}.items()
    }
    return {name: one.split() for name, one in {**_SIGNS, **signs}.items()} | written


_WAYS = table({}, {})


class FormulaGrammar:
    """Random formulas of the grammar."""

    def sample(self, rng: np.random.Generator) -> str:
        """A label of some 5 to 40 tokens, in the field's spelling."""
        return normalise(Phrase(rng, _WAYS).write("<S>", 0))


class Phrase:
    """One formula in the making; a rule in lower case is written alike wherever it stands."""

    def __init__(self, rng: np.random.Generator, ways: Table) -> None:
        self.rng = rng
        self.ways = ways
        self.bound: dict[str, str] = {}

    def write(self, name: str, depth: int) -> str:
        """One way to write a rule."""
        if depth > _DEEP and name in ("<T>", "<F>"):
            name = "<a>"
        if name in self.bound:
            return self.bound[name]
        ways = self.ways[name]
        way = ways[int(self.rng.integers(len(ways)))].split()
        text = " ".join(self.write(part, depth + 1) if part in self.ways else part for part in way)
        if name.islower():
            self.bound[name] = text
        return text
