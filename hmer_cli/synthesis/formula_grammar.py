r"""A probabilistic context-free grammar of formulas as in lecture notes.

Input: a random generator. Output: a label. A rule has alternatives, chosen uniformly, each a
blank-separated string of tokens and rule names. A rule whose name is in lower case, such as
``<x>``, is expanded once per expression and then repeated; all others are expanded anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hmer_cli.expr.latex import normalise

_MAX_DEPTH = 3
"""Nesting of rules beyond which a term is a single symbol."""  # convention

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
Grammar = Mapping[str, Sequence[str]]
"""Rule name -> its alternatives."""


def grammar(signs: Mapping[str, str], rules: Mapping[str, str]) -> Grammar:
    """The rules of this module with these added or replaced.

    Alternatives are separated by ``|`` or a new line; an indented line continues the last.
    """
    parsed = {
        name: [
            variant.strip()
            for line in variants.replace("\n" + 12 * " ", " ").strip().split("\n")
            for variant in line.split(" | ")
        ]
        for name, variants in {**_RULES, **rules}.items()
    }
    return {name: one.split() for name, one in {**_SIGNS, **signs}.items()} | parsed


_GRAMMAR = grammar({}, {})


class FormulaGrammar:
    """Samples formulas of the grammar."""

    def sample(self, rng: np.random.Generator) -> str:
        """A label of some 5 to 40 tokens."""
        return normalise(Phrase(rng, _GRAMMAR).write("<S>", 0))


class Phrase:
    """The derivation of one formula; ``bound`` holds the expansions of lower-case rules."""

    def __init__(self, rng: np.random.Generator, grammar: Grammar) -> None:
        self.rng = rng
        self.grammar = grammar
        self.bound: dict[str, str] = {}

    def write(self, name: str, depth: int) -> str:
        """A random expansion of a rule."""
        if depth > _MAX_DEPTH and name in ("<T>", "<F>"):
            name = "<a>"
        if name in self.bound:
            return self.bound[name]
        variants = self.grammar[name]
        variant = variants[int(self.rng.integers(len(variants)))].split()
        text = " ".join(
            self.write(part, depth + 1) if part in self.grammar else part for part in variant
        )
        if name.islower():
            self.bound[name] = text
        return text
