r"""Labels -> brackets without a partner: ``( ) [ ] \{ \} | \langle \rangle``.

Brackets pair within one row of a label: within the braces of an argument, or a cell of a grid. An
interval may open with one and close with another, such as ``[ a , b )`` or ``] a , b [``; the cell
of a grid may hold one alone, as ``\{`` stands before cases.
"""
