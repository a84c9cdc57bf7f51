"""Named character sets: tokens to which a recogniser of a larger vocabulary is restricted.

Input: a name or a file of one token a line. Output: a frozen set of tokens.
"""

from __future__ import annotations

from pathlib import Path

from hmer_cli.errors import InputError, UsageError
from hmer_cli.expr.commands import KNOWN
from hmer_cli.expr.tokens import Vocabulary

CROHME = r"""
! ( ) + , - . / 0 1 2 3 4 5 6 7 8 9 < = > A B C E F G H I L M N P R S T V X Y [ \Delta \alpha
\beta \cdot \cdots \cos \div \exists \forall \frac \gamma \geq \in \infty \int \lambda \ldots
\leq \lim \limits \log \mu \neq \phi \pi \pm \prime \rightarrow \sigma \sin \sqrt \sum \tan
\theta \times \{ \} ] ^ _ a b c d e f g h i j k l m n o p q r s t u v w x y z { | }
"""
"""The tokens of the labels of CROHME's training expressions (Mouchere et al., ICFHR 2016)."""

CHARSETS = {"crohme": frozenset(CROHME.split())}


def charset(name_or_path: str) -> frozenset[str]:
    """The tokens of the character set of this name, or of a file of one token a line.

    Raises UsageError where there is neither, or the file holds anything else.
    """
    if name_or_path in CHARSETS:
        return CHARSETS[name_or_path]
    if not Path(name_or_path).is_file():
        known = ", ".join(CHARSETS)
        raise UsageError(f"there is no charset {name_or_path!r}", f"give {known} or a file")
    try:
        found = frozenset(Vocabulary.load(name_or_path))
    except InputError as error:
        raise UsageError(error.what, error.remedy) from error
    if unknown := sorted(found - KNOWN):
        raise UsageError(f"{name_or_path}: {', '.join(unknown)}: no tokens of labels", "mend it")
    return found
