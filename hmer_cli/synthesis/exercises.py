r"""A probabilistic context-free grammar of exercises: school, calculus, linear algebra.

Input: a vocabulary and a random generator. Output: labels. The terms are expanded by the rules of
`hmer_cli.synthesis.formula_grammar`. Formulas are complete, with ``d x``, ``+ C`` or a full stop;
matrix cells are short.
"""

from __future__ import annotations

import numpy as np

from hmer_cli.errors import InputError
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.tokens import Vocabulary, tokenize
from hmer_cli.synthesis.formula_grammar import Phrase, grammar

_ENDED = 0.12
"""Share of formulas that end in a full stop or a comma."""  # convention

_ATTEMPTS = 40

_SIGNS = {
    "<y>": "y z w v b n",
    "<D>": "1 2 3 4 5 6 7 8 9 0",
    "<V>": r"u v w x y a b e F r",
    "<M>": "A B M P Q T R S",
    "<i>": "i j k l m",
    "<SET>": r"A B X Y S E \Omega U V",
    "<ARROW>": r"\rightarrow \rightarrow \Rightarrow \mapsto \Leftrightarrow \leftarrow",
    "<SUBSET>": r"\subset \subseteq \supset \supseteq \notin \in",
    "<CUP>": r"\cup \cap \setminus \wedge \vee \oplus",
    "<REL>": r"= = = = \leq \geq < > \neq \approx \sim \equiv \simeq \propto",
    "<BB>": r"\mathbb{R} \mathbb{R} \mathbb{N} \mathbb{Z} \mathbb{Q} \mathbb{C} \mathbb{E}"
    r" \mathbb{P}",
    "<CAL>": r"\mathcal{L} \mathcal{L} \mathcal{F} \mathcal{O} \mathcal{N} \mathcal{H} \mathcal{A}"
    r" \mathcal{B} \mathcal{C} \mathcal{D} \mathcal{E} \mathcal{G} \mathcal{M} \mathcal{P}"
    r" \mathcal{R} \mathcal{S} \mathcal{T} \mathcal{U} \mathcal{X}",
    "<TRIG>": r"\sin \cos \tan \cot \sec \csc \sin \cos \tan \ln \log \exp \sinh \cosh \tanh"
    r" \arcsin \arccos \arctan",
    "<LIM>": r"\lim \lim \lim \limsup \liminf \sup \inf \max \min",
    "<NAME>": r"\det \dim \ker \arg \deg \gcd \Re \Im \exp",
}

_RULES = {
    "<S>": r"""
        <SCHOOL> | <SCHOOL> | <SCHOOL> | <CALC> | <CALC> | <CALC> | <LIN> | <LIN> | <SYSTEM>
        <FUN> | <FUN> | <PHYS> | <SETS> | <PROB> | <ANALYSIS> | <ANALYSIS>
        <ANALYSIS> | <ANALYSIS> | <ANALYSIS> | <ANALYSIS>""",
    "<NUM>": r"""
        <D> | <D> <D> | <N> <D> | <N> <D> <D> | <D> . <D> | <N> , <D> <D> | <N> <D> . <D>""",
    "<OP>": r"+ | + | - | - | \times | \div | \cdot | /",
    "<Q>": r"""
        \frac { <NUM> } { <N> } | \frac { <D> } { <N> } | \frac { <N> <x> } { <N> }""",
    "<SCHOOL>": r"""
        <NUM> <OP> <NUM> = <NUM> | <NUM> <OP> <NUM> <OP> <NUM> | <NUM> <OP> ( <NUM> <OP> <D> )
        <NUM> - <NUM> \times ( <D> + <D> ) = <NUM> | <NUM> = <NUM> <OP> <NUM>
        <D> + <D> - <D> + <D> | <x> + <N> = <N> | <N> <x> - <NUM> = <N> <x> + <NUM>
        <x> = <NUM> | <N> <x> = <NUM> | <x> ^ 2 <PM> <N> <x> <PM> <NUM> = 0
        ( <x> <PM> <N> ) ( <x> <PM> <N> ) = 0
        <x> ^ 2 - <N> <x> + <N> = ( <x> - <D> ) ( <x> - <D> ) | <N> ( <x> <PM> <N> ) = <NUM>
        <Q> <PM> <Q> = <Q> | <Q> <OP> <Q> = <Q> = <Q> | <Q> <x> = <NUM> | <x> = <Q> | <Q> <UNIT>
        ( <N> <x> ^ <N> ) ^ <N> = <N> <x> ^ <N> | <x> ^ 2 = ( <N> ) ^ 2 + ( <N> ) ^ 2
        c = \sqrt { <N> ^ 2 + <N> ^ 2 } | \sqrt { <NUM> } = <N> \sqrt { <N> }
        <x> = \pm \sqrt { <NUM> } | \pi \cdot <N> ^ 2 = <NUM> <UNIT> ^ 2 | <b> = <NUM> <UNIT>
        <NUM> \% | <NUM> ^ \circ | <N> <x> - <N> < <N> | <N> <x> <PM> <N> \geq <NUM>
        <x> \leq - <N> | - <N> < <x> < <N> | f ( <D> ) = ( <D> ) ^ <N> - <N> ( <D> ) + <D>
        f ( <N> ) = <D> - <D> + <D> | f ( <D> ) = <D> | <x> = <D> , <y> = <D> | <x> _ 1 = <NUM>
        [ <D> , <N> ) | ( <D> , <N> ] | ( - \infty , <N> ] | \vert <x> - <N> \vert = <N>
        \vert <x> \vert \leq <N> | \frac { <x> + <N> } { <N> } = \frac { <x> } { <N> }
        <x> ^ 2 + \frac { <N> <D> } { <N> } - <N> <x> + <D> = \frac { <NUM> } { <N> } + <x> ^ 2
        <N> ^ { <x> + <D> } = <N> ^ <N> | \log _ <N> ( <x> + <N> ) = <N> | 1 <NUM> . <NUM> - <D>""",
    "<CALC>": r"""
        \int <G> d <x> = <G> + C | \int <G> d <x> | \int \frac { d <x> } { <DEN> } = <G> + C
        \int _ <D> ^ <N> <G> d <x> | \int _ { - \infty } ^ { \infty } <G> d <x> = <T>
        \int _ 0 ^ \pi <G> d <x> | \int \sec <x> d <x> = \ln \vert \sec <x> + \tan <x> \vert + C
        \int \csc <x> d <x> = - \ln \vert \csc <x> + \cot <x> \vert + C
        \int \tan <x> d <x> = - \ln \vert \cos <x> \vert + C
        \int \frac { 1 } { <x> } d <x> = \ln \vert <x> \vert + C
        \int \frac { d <x> } { 1 + <x> ^ 2 } = \arctan <x> + C
        \int \sec ^ 2 <x> d <x> = \tan <x> + C
        \int _ <D> ^ <N> \int _ <D> ^ <N> <G> d <x> d <y> | \iint _ D <f> ( <x> , <y> ) d A
        \oint _ C <F> \cdot d r = 0 | \int u d v = u v - \int v d u
        \int _ a ^ b <f> ( <x> ) d <x> = F ( b ) - F ( a ) | [ <G> ] _ <D> ^ <N> = <NUM>
        I = \int <G> d <x> | <LIM> _ { <x> \rightarrow <END> } <G>
        \lim _ { <x> \rightarrow <END> } \frac { <G> } { <DEN> } = <T>
        \lim _ { <x> \rightarrow <D> } ( \frac { <x> ^ 2 <PM> <N> } { <x> - <N> } )
        <LIM> _ { <n> \rightarrow \infty } <A> = <END>
        \lim _ { h \rightarrow 0 } \frac { f ( <x> + h ) - f ( <x> ) } { h } = f ' ( <x> )
        \lim _ { <x> \rightarrow \frac { 1 } { <N> } } \frac { 1 - <N> ^ { <x> - \frac { 1
            } { <N> } } } { 1 - <N> <x> }
        \frac { d } { d <x> } <G> = <G> | \frac { d } { d <x> } ( <G> ) = <T>
        f ' ( <x> ) = <G> | f '' ( <x> ) = <T> | \frac { d <y> } { d <x> } = <G>
        <y> ' + <a> <y> = <G> | <y> '' - <N> <y> ' + <y> = 0 | <y> = <a> e ^ { <N> <x> }
        \frac { \partial ^ 2 <f> } { \partial <x> ^ 2 } + \frac { \partial ^ 2 <f> } {
            \partial <y> ^ 2 } = 0
        \frac { \partial u } { \partial t } = <a> \frac { \partial ^ 2 u } { \partial <x> ^ 2 }
        \nabla \times <V> = 0 | \nabla \cdot \vec { <V> } = <T>
        \sum _ { <n> = <D> } ^ \infty <A>
        \sum _ { <n> = 1 } ^ n <n> = \frac { n ( n + 1 ) } { 2 }
        \sum _ { <n> = 0 } ^ \infty \frac { <x> ^ <n> } { <n> ! } = e ^ <x>
        f ( <x> ) = \sum _ { <n> = 0 } ^ \infty \frac { f ^ { ( <n> ) } ( a ) } { <n> ! } (
            <x> - a ) ^ <n>
        \vert \frac { a _ { <n> + 1 } } { a _ <n> } \vert \rightarrow L
        \vert <G> - L \vert < \varepsilon | 0 < \vert <x> - a \vert < \delta
        \vert \frac { <T> } { <T> } \vert <REL> <T>""",
    "<ANALYSIS>": r"""
        <f> ( <x> ) = <O> ( <ORDER> ) | <f> = <O> ( g ) | g = <O> ( <f> )
        <ORDER> = <O> ( <ORDER> )
        <ORDER> \neq <O> ( <ORDER> ) | <ORDER> \sim <ORDER> | <f> ( <n> ) = \Theta ( <ORDER> )
        T ( <n> ) = <N> T ( <n> / <N> ) + O ( <ORDER> ) | <G0> + O ( <x> ^ <N> )
        <n> ! = <O> ( <ORDER> )
        <n> ! \approx \sqrt { 2 \pi <n> } ( <n> / e ) ^ <n> | <n> ! = <n> ( <n> - 1 ) !
        <N> ! = <NUM>
        <f> ( <x> + h ) = <f> ( <x> ) + h <f> ' ( <x> ) + \frac { h ^ 2 } { 2 ! } <f> '' ( \xi )
        e ^ <x> = 1 + <x> + \frac { <x> ^ 2 } { 2 ! } + \frac { <x> ^ 3 } { 3 ! } + \ldots
        \sin <x> = <x> - \frac { <x> ^ 3 } { 3 ! } + \frac { <x> ^ 5 } { 5 ! } - \ldots
        \frac { 1 } { <N> ! } <f> ^ { ( <N> ) } ( <a> ) ( <x> - <a> ) ^ <N>
        \frac { 1 } { <n> ! } <T>
        <f> ( <x> ) = <f> ( <x> _ 0 ) + <f> ' ( <x> _ 0 ) ( <x> - <x> _ 0 ) + R _ <D> ( <x> )
        R _ <n> ( <x> ) = \frac { <f> ^ { ( <n> + 1 ) } ( \xi ) } { ( <n> + 1 ) ! } ( <x> - a
            ) ^ { <n> + 1 }
        \vert R _ <n> \vert \leq \frac { M } { ( <n> + 1 ) ! } | + \frac { 1 } { <N> } <T>
        = <T> <PM> <T>
        \xi \in <RANGE> | <x> \in <RANGE> | <x> _ 0 \in <RANGE> | <RANGE>
        <f> \in C ^ <D> ( <RANGE> )
        <f> \in C ( <RANGE> ) | <f> \in C ^ <n> ( <BB> ) | <f> : <RANGE> \rightarrow <BB>
        \exists \delta > 0 | \forall \varepsilon > 0 , \exists <n> _ 0 \in \mathbb{N}
        <x> \rightarrow 0 ^ +
        \vert <f> ( <x> ) \vert \leq M \cdot <f> ( <y> )
        \vert <f> ( <x> ) - <f> ( <y> ) \vert <R> <T>
        \sin ( \pi / <N> ) = \sqrt { <N> } / <N> | \cos ( <NUM> ) = <DEC> | \pi / <N> \approx <DEC>
        ( <x> - \pi / <N> ) ^ <N> | \frac { 1 } { <D> } ( <DEC> - \pi / <N> ) ^ <N>
        <a> / <b> = <DEC>
        1 / <f> ' ( <x> ) | \vert 1 / <f> \vert | ( <x> / <N> ) ^ <n> | <T> / <N>
        <DEC> <PM> <DEC> = <DEC>
        <x> _ { k + 1 } = <x> _ k - \frac { <f> ( <x> _ k ) } { <f> ' ( <x> _ k ) }
        <f> ' ( r ) = 0
        \vert e _ { k + 1 } \vert \leq C \vert e _ k \vert ^ 2
        <f> ( <x> ) = ( <x> - r ) ^ <n> q ( <x> )
        \int _ 0 ^ <END> <G> d <x> = \lim _ { b \rightarrow \infty } \int _ 0 ^ b <G> d <x> = <T>
        \lim _ { a \rightarrow 0 ^ + } \int _ a ^ <N> <G> d <x> | \log ( <NUM> ) = <NUM>
        \log ( <T> ) = <T>
        \| <x> \| = \sqrt { \sum _ i <x> _ i ^ 2 } | \| <x> + <y> \| \leq \| <x> \| + \| <y> \|
        \| <x> \| = \sqrt { <x> \cdot <x> } | \| <M> <x> \| _ <D> | <x> \cdot <y> = 0
        <x> \perp <y>
        <x> \cdot <y> = \sum _ { i = 1 } ^ n <x> _ i <y> _ i | <SQUARE> ^ T = <SQUARE>
        \dot { <x> } _ <M> = <DEC> \frac { m } { s } | v _ <M> = <NUM> \frac { m } { s }
        \ddot { <x> } _ <i> = - <DEC> \frac { m } { s ^ 2 } | \dot { <angle> } _ <M> = 0""",
    "<O>": r"O | O | O | o",
    "<ORDER>": r"""
        <n> ^ <N> | <n> | \log <n> | <n> \log <n> | 2 ^ <n> | e ^ <n> | <n> ! | <x> ^ <N> | <x>
        <N> <x> ^ <N> | h ^ <N> | h | \sqrt { <n> } | <N> <n> ^ <N> + <N> <n> | e ^ <x>""",
    "<RANGE>": r"""
        [ <a> , <b> ] | [ 0 , 1 ] | [ - 1 , 1 ] | ( <a> , <b> ) | [ <x> _ 0 , <x> ]
        [ <x> , <x> _ 0 ]
        [ <x> , <x> + h ] | ( 0 , \infty ) | [ <DEC> , \pi / <N> ] | [ <D> , <D> )""",
    "<DEC>": r". <D> <D> | . <D> | 0 . <D> <D> | <D> . <D> | <D> . <D> <D> | 0 . <D> <D> <D>",
    "<G>": r"""
        <x> ^ <N> | <TRIG> <x> | <TRIG> ( <N> <x> ) | <TRIG> ^ 2 <x> | e ^ { <x> } <TRIG> <x>
        <x> <TRIG> <x> | \ln ( <x> + <y> ) | \ln \vert <x> \vert | e ^ { - <x> ^ 2 }
        \sqrt { 1 - <x> ^ 2 } | \sqrt { <x> + <N> } | \frac { <G0> } { <DEN> } | <N> <x> ^ <N>
        <x> ^ 2 <PM> <N> <x> | ( <x> <PM> <N> ) ^ <N> | \frac { 1 } { <DEN> } | \arctan <x>
        \arcsin <x> | <G0> <PM> <G0> | <TRIG> <x> \cos <x> | \frac { <x> ^ <N> } { <N> } | <F>""",
    "<G0>": r"<x> ^ <N> | <TRIG> <x> | <N> <x> | e ^ { <x> } | \sqrt { <x> } | <N>",
    "<DEN>": r"""
        <x> | <x> <PM> <N> | <x> ^ 2 <PM> <N> | 1 + <x> ^ 2 | \sqrt { <N> - <x> ^ 2 }
        <x> ^ <N> | <N> | \cos ^ 2 <x>""",
    "<UNIT>": r"c m | m | k g | m m | k m | m s | N | J | V | m l",
    "<E1>": r"""
        0 | 0 | 1 | 1 | 2 | 3 | 4 | 5 | a | b | c | d | x | y | - 1 | - 2 | \lambda | s""",
    "<E2>": r"""
        <E1> | <E1> | <E1> | <E1> | <N> <D> | <a> _ { 1 2 } | \cos <angle> | - \sin <angle>
        \frac 1 <N> | <x> _ <i>""",
    "<M2>": r"<E2> & <E2> \\ <E2> & <E2>",
    "<M3>": r"<E1> & <E1> & <E1> \\ <E1> & <E1> & <E1> \\ <E1> & <E1> & <E1>",
    "<M23>": r"<E1> & <E1> & <E1> \\ <E1> & <E1> & <E1>",
    "<COL>": r"""
        <E2> \\ <E2> | <E1> \\ <E1> \\ <E1> | <x> \\ <y> | a \\ b \\ c | <E2> \\ \vdots \\ <E2>""",
    "<ROUND>": r"""
        \begin{pmatrix} <M2> \end{pmatrix} | \begin{pmatrix} <M2> \end{pmatrix}
        \begin{pmatrix} <M3> \end{pmatrix} | \begin{pmatrix} <COL> \end{pmatrix}""",
    "<SQUARE>": r"""
        \begin{bmatrix} <M2> \end{bmatrix} | \begin{bmatrix} <M3> \end{bmatrix}
        \begin{bmatrix} <COL> \end{bmatrix} | \begin{bmatrix} <M23> \end{bmatrix}
        \begin{bmatrix} <E1> & <E1> & <E1> \end{bmatrix}""",
    "<LIN>": r"""
        <M> = <ROUND> | <M> = <SQUARE> | <ROUND> | <SQUARE> | <ROUND> <ROUND> = <ROUND>
        <SQUARE> <SQUARE> | <SQUARE> <SQUARE> = <SQUARE> | <ROUND> + <ROUND> | <V> = <ROUND>
        \vec { <V> } = <ROUND> | \begin{vmatrix} <M2> \end{vmatrix} = a d - b c
        \begin{vmatrix} <M3> \end{vmatrix} | \det ( <M> - \lambda I ) = 0 | \det <M> = <N>
        \binom { <n> } { k } = \frac { <n> ! } { k ! ( <n> - k ) ! }
        \binom { <N> <D> } { <N> }
        ( a + b ) ^ n = \sum _ { k = 0 } ^ n \binom { n } { k } a ^ { n - k } b ^ k
        \binom { n } { k } p ^ k ( 1 - p ) ^ { n - k } | \vec { <V> } = ( <D> , <D> , - <D> )
        \vec { <V> } \cdot \vec { <V> } = <NUM> | \| <V> \| = \sqrt { <x> ^ 2 + <y> ^ 2 }
        <M> ^ { - 1 } = \frac 1 { a d - b c } <ROUND> | <M> \vec { <V> } = \lambda \vec { <V> }
        <M> ^ T <M> = I | \langle <V> , <V> \rangle = 0 | \dim \ker <M> = <D>
        <SQUARE> \begin{bmatrix} x _ 1 \\ x _ 2 \end{bmatrix} = \begin{bmatrix} b _ 1 \\ b
            _ 2 \end{bmatrix}
        \begin{pmatrix} \cos \theta & - \sin \theta \\ \sin \theta & \cos \theta \end{pmatrix}
        \begin{pmatrix} a _ { 1 1 } & \cdots & a _ { 1 n } \\ \vdots & \ddots & \vdots \\ a
            _ { m 1 } & \cdots & a _ { m n } \end{pmatrix}""",
    "<EQ>": r"""
        <N> x <PM> <N> y = <NUM> | x <PM> <N> y = <N> | <N> x <PM> y = - <N>
        a <PM> <N> b <PM> d = <N> | <N> x - <N> y + z = <NUM> | x + y = <N> | y = <N> x - <D>""",
    "<COND>": r"""
        <x> <R> <D> | <x> \in <BB> | <x> \geq <D> | <x> < <D> | \text { i f } <x> > <D>
        \text { i f } <x> = 0 | \text { o t h e r w i s e } | \text { e l s e }""",
    "<SYSTEM>": r"""
        \begin{cases} <EQ> \\ <EQ> \end{cases} | \begin{cases} <EQ> \\ <EQ> \\ <EQ> \end{cases}
        \begin{cases} <x> = <D> \\ <y> = <D> \end{cases}
        <f> ( <x> ) = \begin{cases} <T> & <COND> \\ <T> & <COND> \end{cases}
        \vert <x> \vert = \begin{cases} <x> & <x> \geq 0 \\ - <x> & <x> < 0 \end{cases}
        \delta _ { i j } = \begin{cases} 1 & i = j \\ 0 & i \neq j \end{cases}
        <f> ( <x> ) = \begin{cases} <E1> , & <COND> \\ <E1> , & <COND> \end{cases}""",
    "<FUN>": r"""
        <TRIG> ( <a> + <b> ) = <T> | \tan <angle> = \frac { \sin <angle> } { \cos <angle> }
        \sin ( <a> <PM> <b> ) = \sin <a> \cos <b> <PM> \cos <a> \sin <b>
        \sec ^ 2 <angle> = 1 + \tan ^ 2 <angle> | \csc ^ 2 <angle> - \cot ^ 2 <angle> = 1
        \cosh ^ 2 <x> - \sinh ^ 2 <x> = 1 | \arctan <x> + \arctan \frac 1 <x> = \frac \pi 2
        \ln ( <a> <b> ) = \ln <a> + \ln <b> | \log _ <N> <x> = \frac { \ln <x> } { \ln <N> }
        <f> : <BB> \rightarrow <BB> | <f> : <SET> <ARROW> <SET> | <x> \mapsto <G>
        <NAME> ( <b> ) <REL> <T> | <f> ^ { - 1 } ( <x> ) = <G>
        ( <f> \circ g ) ( <x> ) = <f> ( g ( <x> ) ) | f ^ { \prime } ( <x> ) = <G>
        <f> ^ { \prime } g + <f> g ^ { \prime } | <y> = <TRIG> <x> , <x> \in <BB>
        <f> ( <x> ) = <G0> <PM> <G0> | <f> ( - <x> ) = - <f> ( <x> )
        \overline { <SET> } = <SET> | e ^ { i \pi } + 1 = 0 | z = r e ^ { i \theta }
        \vert z \vert ^ 2 = z \bar { z } | \Re ( z ) = \frac { z + \bar { z } } { 2 }""",
    "<PHYS>": r"""
        E = m c ^ 2 | F = m a | p V = n R T | <CAL> ( <x> ) = <T> | <CAL> = T - V
        \rho = \frac m V | i \hbar \frac { \partial \psi } { \partial t } = \hat { H } \psi
        \lambda = \frac h p | \Delta x \Delta p \geq \frac \hbar 2
        \langle \psi \vert \hat { H } \vert \psi \rangle
        \vert \psi \rangle = <a> \vert 0 \rangle + <b> \vert 1 \rangle | \omega = 2 \pi f
        \omega ^ 2 = \frac { k } { m } | v = v _ 0 + a t | s = \frac 1 2 g t ^ 2
        \rho ( <x> ) = <T> | <GREEK> = \frac { <b> } { <b> }
        \frac { d } { d t } \frac { \partial L } { \partial \dot { q } } - \frac { \partial
            L } { \partial q } = 0
        \nabla \cdot \vec { E } = \frac { \rho } { \varepsilon _ 0 }
        \partial _ t \rho + \nabla \cdot ( \rho v ) = 0 | \partial _ <x> <f> = <T>
        \oint \vec { E } \cdot d \vec { s } = <T> | \dot { <x> } = <T>
        \ddot { <x> } + \omega ^ 2 <x> = 0 | \underbrace { <T> } _ { <b> } + <T>
        \boxed { <x> = <T> } | <T> \stackrel { <D> } { = } <T>
        <SET> \stackrel { f } { \rightarrow } <SET> | <SET> \hookrightarrow <SET>
        <b> \parallel <a> | <SET> \subsetneq <SET>""",
    "<SETS>": r"""
        <x> \in <SET> <CUP> <SET> | <SET> <SUBSET> <SET>
        <SET> = \{ <x> \in <BB> : <x> <R> <N> \} | \{ <D> , <N> , \ldots , <n> \}
        \forall <x> \in <BB> , \exists <y> : <T> <REL> <T> | <SET> <CUP> <SET> = \emptyset
        <BB> ^ <n> | <x> \in <BB> \setminus \{ 0 \} | <M> \in <BB> ^ { m \times n }
        \bigcup _ { <i> = 1 } ^ <n> <SET> _ <i> | \bigcap _ { <i> } <SET> _ <i>
        <T> \Leftrightarrow <T> | \neg <a> \vee <b> | <a> \Rightarrow <b>
        <CAL> _ <n> ( <SET> )""",
    "<PROB>": r"""
        P ( <SET> \vert <SET> ) = \frac { P ( A \cap B ) } { P ( B ) }
        \mathbb{E} [ X ] = \sum _ <i> x _ <i> p _ <i> | \mathbb{P} ( X <REL> <N> ) = <NUM>
        P ( A ) = 1 - 0 . <D> | X \sim \mathcal{N} ( \mu , \sigma ^ 2 )
        z = \frac { x - \mu } { \sigma }
        \sigma ^ 2 = \frac 1 n \sum _ { i = 1 } ^ n ( x _ i - \mu ) ^ 2 | \bar { x } = <NUM>
        f ( x ) = \frac { 1 } { \sigma \sqrt { 2 \pi } } e ^ { - \frac { ( x - \mu ) ^ 2 }
            { 2 \sigma ^ 2 } }
        \hat { <GREEK> } _ <n> = <T> | \mathbb{E} [ X ^ 2 ] - \mathbb{E} [ X ] ^ 2""",
}


class Exercises:
    """Random formulas of the grammar whose tokens are all in the vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._grammar = grammar(_SIGNS, _RULES)

    def sample(self, rng: np.random.Generator) -> str:
        """A label of some 3 to 60 tokens.

        Raises InputError if 40 attempts give none within the vocabulary.
        """
        for _ in range(_ATTEMPTS):
            try:
                label = normalise(Phrase(rng, self._grammar).write("<S>", 0))
            except InputError:
                continue
            if rng.random() < _ENDED:
                label += " ." if rng.random() < 0.5 else " ,"
            if all(token in self.vocabulary for token in tokenize(label)):
                return label
        raise InputError("no exercise can be written with this vocabulary", "give a wider one")
