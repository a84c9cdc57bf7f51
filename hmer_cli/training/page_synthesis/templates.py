"""Templates of expressions that are frequent in lectures, inline and displayed.

Input: one of the two lists. Output: a label, with letters and digits replaced at random.
"""

from __future__ import annotations

import re

from hmer_cli.expr.latex import normalise
from hmer_cli.training.page_synthesis.sheet import Sheet

INLINE = r"""
x = a ; x > 0 ; a = 0 ; f ( x ) ; g ( n ) ; f ' ( a ) ; ( x - a ) ; [ a , b ] ; n \times n ;
x \rightarrow \infty ; x \rightarrow a ; h \rightarrow 0 ; x \in [ a , b ] ; x \in A ;
n \geq 1 ; | x - a | < \delta ; \epsilon > 0 ; M < \infty ; \exists M > 0 ; \forall x ;
a \leq x \leq b ; A ^ T A = I ; A ^ { - 1 } ; \lambda _ 1 ; x _ n ; x _ { n + 1 } ;
y = f ( x ) ; p ( x ) ; 2 \pi r ; a \neq b ; f = O ( g ) ; f \in C ^ 1 ; v _ 0 = 0 ;
\dot { x } = 0 ; \vec { v } ; \theta = \pi ; \mathbb { R } ^ n ; k = 1 , 2 ;
\frac { 1 } { 2 } ; \sqrt { 2 } ; e ^ x ; \sin x ; \log n ; n = 5 ; x \perp y ; f ( x , y ) ;
( a , b ) ; \{ x _ n \} ; N = 1 0 0 ; m \times n ; P ( A ) ; E [ X ] ; \sigma ^ 2 ; \mu = 0 ;
i \neq j ; b ^ 2 - 4 a c ; \pm 1 ; A B = B A"""
DISPLAY = r"""
f ( x ) = O ( g ( x ) )
| f ( x ) | \leq M g ( x )
f ( x ) = ( x - a ) ^ 2
\lim \limits _ { x \rightarrow a } \frac { f ( x ) } { g ( x ) } = 0
\lim \limits _ { n \rightarrow \infty } a _ n = \infty
\int _ a ^ b f ( x ) d x = F ( b ) - F ( a )
\int _ 0 ^ 1 \frac 1 x d x = \lim \limits _ { b \rightarrow 0 } \int _ b ^ 1 \frac 1 x d x = \infty
\sum \limits _ { i = 1 } ^ { n } a _ i b _ i
\sum \limits _ { k = 0 } ^ { \infty } \frac { f ^ { ( k ) } ( a ) } { k ! } ( x - a ) ^ k
\begin{bmatrix} 1 & 2 \\ 0 & 5 \end{bmatrix}
\begin{bmatrix} a & b \\ c & d \end{bmatrix} = A
A = \begin{bmatrix} 3 & 1 & 7 \\ 0 & 2 & 4 \end{bmatrix}
\begin{bmatrix} x \\ y \\ z \end{bmatrix}
\| x \| = \sqrt { x \cdot x }
x \cdot y = 0
\dot { x } = A x + B u
\dot { \theta } = \frac { v } { r }
f ( x ) = f ( a ) + f ' ( a ) ( x - a ) + \ldots
| x - y | < \epsilon
\frac { | x - y | } { | x | } \leq \delta
P ( A | B ) = \frac { P ( B | A ) P ( A ) } { P ( B ) }
x _ { n + 1 } = x _ n - \frac { f ( x _ n ) } { f ' ( x _ n ) }
f ' ( a ) = \lim \limits _ { h \rightarrow 0 } \frac { f ( a + h ) - f ( a ) } { h }
f '' ( x ) + f ( x ) = 0
a = 0 , b = 1
f ( a ) = f ( b ) = \ldots = 0
A ^ T A = A A ^ T = I
y = m x + b
\sigma _ x \sigma _ p \geq \frac { h } { 2 }
f ( x ) = \begin{cases} 1 & x > 0 \\ 0 & x \leq 0 \end{cases}
\frac { d y } { d x } = k y
u \cdot v = | u | | v | \cos \theta"""
LETTERS = "x y z t u s n k m p q a b c d r w v f g h F G A B C M N P R".split()


def instantiate(templates: str, sheet: Sheet) -> str:
    """A random template; digits are replaced, and letters unless they have a fixed meaning."""
    label = sheet.one(*re.split(r"\s*;\s*|\n", templates.strip()))
    renamed: dict[str, str] = {}
    tokens = label.split()
    if not any(
        token.startswith("\\lim") or token in ("d", "e", "\\sum", "\\mathbb") for token in tokens
    ):
        renamed = {token: sheet.one(*LETTERS) for token in sorted(set(tokens) & set(LETTERS))}
    digits = {token: str(sheet.random.integers(0, 10)) for token in "2 3 4 5 7".split()}
    return normalise(" ".join((renamed | digits).get(token, token) for token in tokens))
