r""".tex: a file to ``\input``, which LaTeX compiles whatever was read and pandoc converts.

Each expression is a macro that is called as its id. LaTeX finds it by ``\csname``, with a warning
where there is none. pandoc knows no ``\csname``, but takes ``\begin{id}`` for a macro's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import hmer_cli
from hmer_cli.console import one_line
from hmer_cli.document.formats.wording import expressions, sentence, verdict
from hmer_cli.document.ids import Named
from hmer_cli.document.records import Record
from hmer_cli.expr.displays import is_display, within

# What stands between \ifhmertex and \else may hold no other \else: pandoc stops at the first.
_HEAD = r"""% Handwritten expressions read by hmer {version} ({model}).
% They need amsmath and amssymb, and mathtools where a person typed a command of it.
%
% \input this file in the preamble: \hmer{{ID}} then sets one expression, in text or in a
% formula; \hmer{{ALIAS}} does so, too, until pages or files change, but not for pandoc.
% \input it in the text: it also shows every expression, each by \hmershow{{ID}}, which is yours to
% define beforehand, as is \hmerlow, the mark on what was read with low confidence.
\providecommand{{\hmerlow}}[1]{{{{#1}}\;{{}}^{{\text{{[?]}}}}}}
\providecommand{{\hmerinvalid}}{{\text{{[not valid LaTeX]}}}}
\newif\ifhmertex
\expandafter\hmertextrue\relax % which pandoc does not
\ifhmertex
  \protected\gdef\hmer#1{{\ensuremath{{\csname @ifundefined\endcsname{{hmer@#1}}%
    {{\mbox{{\ttfamily[no \detokenize{{#1}}]}}%
      \PackageWarning{{hmer}}{{There is no expression \detokenize{{#1}}}}}}%
    {{\csname hmer@#1\endcsname}}}}}}
  \gdef\hmeralias#1{{\csname hmer@#1@alias\endcsname}}
  \gdef\hmerdefine#1#2{{%
    \global\expandafter\let\csname hmer@#1\expandafter\endcsname\csname #1\endcsname
    \global\expandafter\let\csname hmer@#2\expandafter\endcsname\csname #1\endcsname
    \expandafter\gdef\csname hmer@#1@alias\endcsname{{#2}}}}
  \gdef\hmerdisplay#1#2{{\expandafter\gdef\csname hmer@#1@display\endcsname{{#2}}}}
  \gdef\hmerexpression#1#2#3{{\hmerdefine{{#1}}{{#2}}%
    \expandafter\gdef\csname hmer@#1@end\endcsname{{#3}}%
    \csname @ifundefined\endcsname{{@nodocument}}{{\hmershow{{#1}}}}{{}}}}
  \providecommand{{\hmershow}}[1]{{\csname @ifundefined\endcsname{{hmer@#1@display}}%
    {{\[\hmer{{#1}}\csname hmer@#1@end\endcsname\]}}{{\csname hmer@#1@display\endcsname}}}}
\else
  \providecommand{{\hmer}}[1]{{\ensuremath{{\begin{{#1}}}}}}
  \providecommand{{\hmeralias}}[1]{{#1}}
  \providecommand{{\hmerdefine}}[2]{{}}
  \providecommand{{\hmerdisplay}}[2]{{}}
  \providecommand{{\hmerexpression}}[3]{{\[\begin{{#1}}#3\]}}
\fi
"""


def tex(records: Sequence[Record]) -> str:
    """A file to ``\\input``, that compiles whatever was read; its head says how to use it."""
    models = [one_line(record.model) for record in records if record.model]
    model = models[0] if models else "no model"
    parts = [_HEAD.format(version=hmer_cli.__version__, model=model)]
    for each in expressions(records):
        record = each.record
        parts.append(f"\n% {verdict(record)}\n")
        if record.usable:
            parts += _definitions(each)
        elif record.status == "low":
            parts.append(f"% {one_line(record.latex)}\n")
            parts += _definition(each, "\\hmerinvalid", "")
    return "".join(parts)


def _definitions(each: Named) -> Iterator[str]:
    """Its expression, after how it is shown by itself; then the lines of a derivation."""
    latex, end = sentence(each.record)
    if is_display(latex):
        # A mark within it might stand in its last fraction or behind its number.
        mark = "" if each.record.status == "ok" else "\n\\(\\hmerlow{}\\)"
        yield f"\\hmerdisplay{{{each.id}}}{{{latex}{mark}}}\n"
    latex = within(latex)
    yield from _definition(each, _marked(each.record, latex), end)
    if each.record.correction is None:
        for line in each.lines:
            name = line.id if line.alias == each.alias else line.alias
            yield f"\\gdef\\{line.id}{{{_marked(line.record, line.record.latex)}}}\n"
            yield f"\\hmerdefine{{{line.id}}}{{{name}}}\n"


def _definition(each: Named, latex: str, end: str) -> Iterator[str]:
    yield f"\\gdef\\{each.id}{{{latex}}}\n"
    yield f"\\hmerexpression{{{each.id}}}{{{each.alias}}}{{{end}}}\n"


def _marked(record: Record, latex: str) -> str:
    return latex if record.status == "ok" else f"\\hmerlow{{{latex}}}"
