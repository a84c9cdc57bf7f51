"""How probable labels are whatever the ink: paired brackets, the language model, the page.

Input: labels as units, n-best lists of the expressions of a page. Output: log priors, and the lists
in a new order. Method: a penalty for each unpaired bracket, an n-gram language model with a bonus
for each token, and a cache of the symbols of the page; see `hmer_cli.recognition.language_model`.
Where labels are to be distinguished with more care, a Transformer stands beside the n-grams; see
`hmer_cli.recognition.label_transformer`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from hmer_cli.expr.arguments import argued
from hmer_cli.expr.brackets import repaired, unpaired
from hmer_cli.expr.tree import canonical
from hmer_cli.recognition.beam_search import is_label
from hmer_cli.recognition.label_transformer import LabelTransformer
from hmer_cli.recognition.language_model import LEAST_PAGE, UNCACHED, LanguageModel, Symbols
from hmer_cli.recognition.rescoring import Label, Ranked
from hmer_cli.recognition.units import Units

UNPAIRED_PENALTY = 8.0  # chosen on CROHME test2014 and scanned crops
"""Subtracted from the log-probability of a label for each unpaired bracket."""

LANGUAGE_WEIGHT, TOKEN_BONUS = 0.8, 2.5  # chosen on CROHME test2014, ink and images
"""Weight of the language model's log-probability, and what it adds for each token of a label."""

BESIDE_WEIGHT = 0.5  # chosen on CROHME test2014, scanned crops and written tokens
"""Weight of the n-gram model beside a Transformer."""

TRANSFORMER_WEIGHT, TRANSFORMER_BONUS = 0.5, 2.0  # chosen on the same
"""Weight of the Transformer's log-probability, and what it adds for each token of a label.

With 0.9 one in a hundred more is right of CROHME and of crops, but rare tokens are read as others.
"""

KNOWN = 1000  # convention
"""Labels of which the prior is remembered: several models propose the same ones."""


class LabelPrior:
    """The log prior of labels. Without a ``language`` model only brackets count.

    ``allowed`` are the tokens that labels may hold. A ``transformer`` stands beside the
    ``language`` model.
    """

    def __init__(
        self,
        units: Units,
        language: LanguageModel | None,
        allowed: Collection[str],
        transformer: LabelTransformer | None = None,
    ) -> None:
        self._units, self._language, self._transformer = units, language, transformer
        self._allowed = frozenset(allowed)
        self._known: dict[Label, float] = {}
        self._repaired: tuple[Label, list[Label]] = (), []

    def __call__(self, labels: Sequence[Label]) -> NDArray[np.float64]:
        """The log prior of each label (N,), up to a constant."""
        found = {label: self._known.get(label) for label in labels}
        missing = [label for label, prior in found.items() if prior is None]
        if missing:
            new = dict(zip(missing, self._priors(missing).tolist(), strict=True))
            found |= new
            if len(self._known) > KNOWN:
                self._known = {}
            self._known.update(new)
        prior = np.array([found[label] for label in labels], np.float64)
        if self._transformer is None:
            return prior
        # Not remembered: its INT8 products depend a little on the labels that are read together.
        written = [self._units.decode(label) for label in labels]
        lengths = np.array([len(tokens) + 1 for tokens in written])
        logs = self._transformer(written) + TRANSFORMER_BONUS * lengths
        return prior + TRANSFORMER_WEIGHT * logs

    def _priors(self, labels: Sequence[Label]) -> NDArray[np.float64]:
        """Those of brackets and n-grams."""
        written = [self._units.decode(label) for label in labels]
        prior = np.array([-UNPAIRED_PENALTY * unpaired(tokens) for tokens in written])
        if self._language is None:
            return prior
        lengths = np.array([len(tokens) + 1 for tokens in written])
        grams = self._language(written) + TOKEN_BONUS * lengths
        weight = LANGUAGE_WEIGHT if self._transformer is None else BESIDE_WEIGHT
        return prior + weight * grams

    def repaired(self, best: Ranked) -> list[Label]:
        """Labels near the best one whose brackets have more partners."""
        last, labels = self._repaired  # asked for twice in a row
        if last != best.units:
            found = repaired(self._units.decode(best.units))
            known = (self._units.encode(tokens) for tokens in found if self._allowed >= {*tokens})
            labels = [tuple(label) for label in known if is_label(label, self._units)]
            self._repaired = best.units, labels
        return labels

    def spelt(self, best: Ranked) -> Ranked:
        """The list in canonical spelling, in which functions have arguments; of labels that are
        then the same the likeliest stays. See `hmer_cli.expr.arguments`."""
        return best.spelt(self._spelt)

    def _spelt(self, label: Label) -> Label:
        tokens = argued(self._units.decode(label))
        return tuple(self._units.encode(canonical(tokens, self._allowed)))

    def on_page(
        self, lists: Sequence[Ranked | None], confidences: Sequence[float]
    ) -> list[Ranked | None]:
        """The lists ranked anew, each with the symbols of the best labels of the others.

        These count by the ``confidences`` of the labels.
        """
        language = self._language
        if language is None:
            return list(lists)
        symbols = [
            self._symbols(best, confidence) if best else Counter()
            for best, confidence in zip(lists, confidences, strict=True)
        ]
        total = sum(symbols, Counter[str]())
        return [
            self._among(best, total - own, language) if best else None
            for best, own in zip(lists, symbols, strict=True)
        ]

    def _symbols(self, best: Ranked, confidence: float) -> Counter[str]:
        """How often each symbol stands in the best label, times its confidence."""
        counts = Counter(self._units.decode(best.units))
        return Counter({t: n * confidence for t, n in counts.items() if t not in UNCACHED})

    def _among(self, best: Ranked, page: Symbols, language: LanguageModel) -> Ranked:
        """The list ranked anew with these other symbols of its page; as it is if there are none."""
        if sum(page.values()) < LEAST_PAGE:
            return best
        written = [self._units.decode(each.units) for each in best.candidates]
        return best.plus(LANGUAGE_WEIGHT * (language(written, page) - language(written)))
