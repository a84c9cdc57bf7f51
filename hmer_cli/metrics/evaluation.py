"""Evaluation of recognised expressions: outcomes -> scores -> JSON, TSV and tables.

Input: the truth and the reading of every expression of a data set. Output: an `Evaluation` (WER,
CER, ExpRate, calibration, confusions) and its three text forms. Readings count in canonical
spelling, as truths do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from hmer_cli.console import one_line
from hmer_cli.datasets.expressions import as_label
from hmer_cli.expr.tokens import join, tokenize
from hmer_cli.metrics import scores, tables
from hmer_cli.metrics.calibration import expected_calibration_error, wrong_caught
from hmer_cli.metrics.scores import Confusion, Pair, Scores
from hmer_cli.recognition.reading import Reading

REVIEWED = 0.1
"""Share of the answers, the least confident ones, that is assumed to be reviewed."""  # convention

MOST_CONFUSIONS = 100
"""Confusions in the JSON file, the most frequent ones."""


@dataclass(frozen=True)
class Outcome:
    """The truth and the reading of one expression; ``error`` is set if its file failed.

    ``truth`` is empty if the file was too damaged to contain it; ``raw`` is the truth as the data
    set spells it. ``is_bug``: the error is one of hmer's own.
    """

    name: str
    truth: str
    reading: Reading
    error: str | None = None
    raw: str = ""
    is_bug: bool = False

    @cached_property
    def prediction(self) -> str:
        """The reading in canonical spelling."""
        return as_label(self.reading.label)

    @property
    def pair(self) -> Pair:
        """Truth and prediction."""
        return Pair(self.truth, self.prediction)


@dataclass(frozen=True)
class Evaluation:
    """Every outcome in the order of the data set, their token edits, and the scores.

    ``among_best`` is the share of which the answer or an alternative to it is right, ``ece`` the
    expected calibration error, ``wrong_caught`` the share of the wrong answers among the least
    confident tenth of all (None if no answer is wrong). ``unlabelled``: the number of readable
    expressions without a truth, which are in no score. ``seconds``: wall time of rendering and
    recognition.
    """

    dataset: str
    split: str | None
    model: str
    outcomes: tuple[Outcome, ...]
    edits: tuple[int, ...]
    scores: Scores
    by_length: dict[str, Scores]
    confusions: list[Confusion]
    symbol_confusions: list[Confusion]
    among_best: float
    ece: float
    wrong_caught: float | None
    unlabelled: int
    seconds: float

    @property
    def failed(self) -> int:
        """The number of expressions whose file could not be read."""
        return sum(outcome.error is not None for outcome in self.outcomes)

    @property
    def empty(self) -> int:
        """The number of empty readings, failed files included."""
        return sum(not tokenize(outcome.prediction) for outcome in self.outcomes)


def evaluate_outcomes(
    outcomes: Sequence[Outcome],
    *,
    dataset: str,
    split: str | None,
    model: str,
    unlabelled: int,
    seconds: float,
) -> Evaluation:
    """Compute every score of these outcomes.

    Raises:
        ValueError: ``outcomes`` is empty.
    """
    pairs = [outcome.pair for outcome in outcomes]
    edits = scores.token_edits(pairs)
    right = [not n and scores.is_known(pair) for pair, n in zip(pairs, edits, strict=True)]
    confidences = [outcome.reading.confidence for outcome in outcomes]
    return Evaluation(
        dataset=dataset,
        split=split,
        model=model,
        outcomes=tuple(outcomes),
        edits=tuple(edits),
        scores=scores.score(pairs),
        by_length=scores.score_by_length(pairs),
        confusions=scores.confusions(pairs),
        symbol_confusions=scores.symbol_confusions(pairs),
        among_best=sum(r or _alternative(o) for r, o in zip(right, outcomes, strict=True))
        / len(outcomes),
        ece=expected_calibration_error(confidences, right),
        wrong_caught=wrong_caught(confidences, right, REVIEWED),
        unlabelled=unlabelled,
        seconds=seconds,
    )


def _alternative(outcome: Outcome) -> bool:
    """Whether an alternative is the truth, token by token."""
    truth = tokenize(outcome.truth)
    return any(tokenize(as_label(other.label)) == truth for other in outcome.reading.alternatives)


def as_json(evaluation: Evaluation) -> str:
    """The scores as a JSON object; shares are 0 to 1, rounded to six places."""
    content: dict[str, Any] = {
        "dataset": evaluation.dataset,
        "split": evaluation.split,
        "model": evaluation.model,
        **asdict(evaluation.scores),
        "by_length": {name: asdict(each) for name, each in evaluation.by_length.items()},
        "among_best": evaluation.among_best,
        "ece": evaluation.ece,
        "wrong_caught": evaluation.wrong_caught,
        "failed": evaluation.failed,
        "empty": evaluation.empty,
        "unlabelled": evaluation.unlabelled,
        "confusions": [asdict(each) for each in evaluation.confusions[:MOST_CONFUSIONS]],
        "symbol_confusions": [
            asdict(each) for each in evaluation.symbol_confusions[:MOST_CONFUSIONS]
        ],
        "seconds": evaluation.seconds,
    }
    return json.dumps(_rounded(content), indent=2, ensure_ascii=False) + "\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return round(value, 6) if isinstance(value, float) else value


def as_tsv(evaluation: Evaluation) -> str:
    """One line an expression under a line of column names."""
    lines = ["name\ttruth\tprediction\tedits\tconfidence\traw"]
    for outcome, edits in zip(evaluation.outcomes, evaluation.edits, strict=True):
        labels = (join(tokenize(label)) for label in (outcome.truth, outcome.prediction))
        name, raw = one_line(outcome.name), one_line(outcome.raw)
        confidence = f"{outcome.reading.confidence:.4f}"
        lines.append("\t".join((name, *labels, str(edits), confidence, raw)))
    return "".join(f"{line}\n" for line in lines)


def as_tables(evaluation: Evaluation) -> list[tables.Table]:
    """Tables of scores, scores by length, confusions of symbols and the worst errors."""
    found = evaluation
    further = {
        "failed files": str(found.failed),
        "read as nothing": str(found.empty),
        "without a label": str(found.unlabelled),
        "right among alternatives": tables.percent(found.among_best),
        "calibration error": tables.percent(found.ece),
        f"errors in the least sure {REVIEWED:.0%}": tables.percent(found.wrong_caught),
        "seconds": f"{found.seconds:.1f}",
    }
    ranked = sorted(
        zip(found.outcomes, found.edits, strict=True), key=lambda both: (-both[1], both[0].name)
    )
    errors = [(o.name, o.truth, o.prediction, n) for o, n in ranked if n]
    return [
        tables.score_table(found.model, found.scores, further),
        tables.length_table(found.by_length),
        tables.confusion_table(found.symbol_confusions),
        tables.error_table(errors),
    ]
